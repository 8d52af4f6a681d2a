"""Proteins: what their page asks, shows and compares."""
