"""Adapting a model to one's own files: material, trainings in processes of their own, and the page."""
