"""How good separated stems are, with and without the true stems."""
