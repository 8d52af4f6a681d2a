"""The training of the ESMFold starter (folding), and of the language model and secondary-structure head in it."""
