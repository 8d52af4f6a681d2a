"""Adapting a network to somebody's own files: one seam, one file a task, refused where it is not shown to help."""
