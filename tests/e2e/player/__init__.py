"""A package, so that its fixtures can live as long as its tests."""
