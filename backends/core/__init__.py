"""What every model speaks: engines, events, cards, tasks, options and errors. Imports no task and no server."""
