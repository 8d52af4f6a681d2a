"""Flamingo: examples and a question as one prompt for a language model that sees."""
