"""Where weights come from, how they are fetched and checked, and what a user brings along."""
