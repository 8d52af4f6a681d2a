"""Figures of why a model answered: maps over sound, pictures and chains, bars of parts, and the tests of a map."""
