"""The page "How they work": one file an exhibit, listed in `exhibits.MODULES`."""
