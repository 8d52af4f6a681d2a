"""Streamlit v2 components, each a folder with its Python wrapper, JavaScript and style."""
