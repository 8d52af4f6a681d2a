"""Jobs: started, watched and cancelled on a backend, whose results are recorded as they arrive."""
