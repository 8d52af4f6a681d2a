"""Figures of protein structures and of their confidence."""
