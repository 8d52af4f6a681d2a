"""The models of Fourfold, served by Gradio on a GPU host. Imports neither streamlit nor viz."""

__version__ = "0.1.0"
