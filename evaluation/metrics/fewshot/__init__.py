"""How good a few-shot classifier is, and what would make it better."""
