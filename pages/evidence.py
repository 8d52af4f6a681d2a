"""Evidence: which model is better, by how much, and how sure that is."""

from studio.evidence import page

page.show()
