"""The training of the Demucs starter (separation)."""
