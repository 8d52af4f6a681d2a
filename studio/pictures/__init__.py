"""Pictures and classes: projects, and every part of their page."""
