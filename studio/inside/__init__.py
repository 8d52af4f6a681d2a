"""Inside the models: questions about a finished run, answers as maps, how far to trust them, and what-if knobs."""
