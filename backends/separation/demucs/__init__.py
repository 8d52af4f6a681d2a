"""Demucs: reading its checkpoints, and running it in overlapping segments."""
