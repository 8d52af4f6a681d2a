"""Figures of songs and stems."""
