"""One module a task: its systems and its scores, see `evaluation.studies.rig`."""
