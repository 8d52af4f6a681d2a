"""Sequences and alignments: reading them, checking them, and turning them into features."""
