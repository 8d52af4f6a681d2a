"""Fold a protein or open its structure: bring it, know it before, watch, judge, compare, take away."""

from studio.proteins.page import PAGE
from studio.ui import task_page

task_page.show(PAGE)
