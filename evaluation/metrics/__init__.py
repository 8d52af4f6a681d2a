"""Metrics by task, by the field's own definitions."""
