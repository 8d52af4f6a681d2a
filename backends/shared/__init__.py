"""Helpers that several tasks use: images, device memory, disk errors, interruptible computations."""
