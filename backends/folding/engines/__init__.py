"""The folding engines that run networks or open files, one a file."""
