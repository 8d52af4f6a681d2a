"""What every page is made of: the run page and its sections, the model picker, error boundaries, formatting."""
