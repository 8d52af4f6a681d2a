"""The training of the CLIP starter (fewshot)."""
