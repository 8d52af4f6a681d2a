"""How good a predicted structure is, and how sure it can be."""
