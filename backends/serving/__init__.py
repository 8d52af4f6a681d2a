"""Running models for others: the Gradio app and its process, jobs, uploads, and live mattes over a WebSocket."""
