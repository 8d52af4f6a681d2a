"""Findings: everything that was made, what is claimed with it, and how it is presented."""
