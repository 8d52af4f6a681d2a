"""Figures of mattes."""
