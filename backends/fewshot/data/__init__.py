"""The pictures, classes and examples of a few-shot job."""
