"""The training of the Flamingo starter (fewshot)."""
