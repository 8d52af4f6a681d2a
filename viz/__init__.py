"""Pure functions: data in, figure out. No streamlit (outside components/), no models."""
