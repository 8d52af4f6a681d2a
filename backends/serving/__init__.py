"""Running models for others: the Gradio app and its process, jobs, uploads, and live mattes over a WebSocket."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Before gradio is imported, which reads it.
# How many past events Gradio keeps for statistics that nobody reads: 70 kB each.
os.environ.setdefault("GRADIO_ANALYTICS_MAX_EVENTS", "20")
