"""Figures of studies: paired differences, curves under conditions."""
