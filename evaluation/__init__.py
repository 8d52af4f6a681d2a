"""Datasets, metrics, statistics and reports. Statistics only ever see rows."""
