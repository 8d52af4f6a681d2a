"""One method per module: `attribute(subject) -> Attribution`, which raises Unsupported where it does not apply."""
