"""Protein structures: reading and writing files, geometry, secondary structure, plausibility, confidence."""
