"""Separation without learning: masks from pitch, repetition, rhythm and stereo position."""
