"""Running models for others: the Gradio app and its process, jobs, uploads, and live mattes over a WebSocket."""

import os

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")  # Before gradio is imported, which reads it.
