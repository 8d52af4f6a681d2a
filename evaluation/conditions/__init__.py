"""What happens to an input before a model gets it: one module a task, one `Condition` a kind."""
