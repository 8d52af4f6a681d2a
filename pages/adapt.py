"""Adapt a model: teach one with files of one's own, and see whether it became better."""

from studio.adapt import page

page.show()
