"""Intervals and tests. They only ever see rows: one a unit."""
