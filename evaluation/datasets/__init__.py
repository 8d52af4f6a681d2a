"""Data sets that models are measured on: one file each, all read through `evaluation.datasets.base`."""
