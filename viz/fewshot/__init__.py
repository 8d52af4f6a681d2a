"""Figures of few-shot classifiers."""
