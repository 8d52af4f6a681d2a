"""What is kept of the inputs and answers of each task, one module a task with the functions of `excerpts.Keeper`."""
