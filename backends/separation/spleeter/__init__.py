"""Spleeter: a U-Net each for the voice and for the accompaniment (Hennequin et al., JOSS 2020)."""
