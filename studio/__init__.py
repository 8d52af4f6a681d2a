"""What the pages share: jobs, the library of finished runs, widgets. Never imports torch."""
