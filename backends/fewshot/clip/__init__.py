"""CLIP: reading its files, and images and sentences as features in one space."""
