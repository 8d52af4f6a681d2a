"""The training of the small networks of the page "How they work" (generation and attention)."""
