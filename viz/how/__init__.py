"""What the page "How they work" draws."""
