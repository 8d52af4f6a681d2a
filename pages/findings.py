"""Findings: everything made so far, what is claimed with it, and stories to present."""

from studio.findings import page

page.show()
