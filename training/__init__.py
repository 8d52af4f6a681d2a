"""The scripts that made the starter weights, one a model; see README.md beside this file."""
