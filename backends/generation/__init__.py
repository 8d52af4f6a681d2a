"""Small networks that make pictures and sounds, and one that answers by attention; for looking at how they work."""

from backends.core.task import Task
from backends.generation.cards import CARDS, ENGINES, JUDGES

TASK = Task(
    name="generation",
    title="Make small pictures and sounds",
    verb="generate",
    inputs=(),
    optional=("picture", "mask"),
    engines=ENGINES,
    cards=CARDS,
    helpers=JUDGES,
)
