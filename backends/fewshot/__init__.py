"""Teach a classifier with a few pictures and words: features of pictures and sentences, and heads over them.

One engine a file; `base.py` holds what they share. Heads and trust need neither torch nor an engine.
"""

from backends.fewshot.cards import CARDS
from backends.fewshot.options import OPTIONS
from backends.task import Task

TASK = Task(
    name="fewshot",
    title="Teach with a few pictures",
    verb="classify",
    inputs=("query",),
    optional=("support", "classes", "target"),
    options=OPTIONS,
    engines={"prototypes": "backends.fewshot.prototypes:PrototypesEngine"},
    cards=CARDS,
)
