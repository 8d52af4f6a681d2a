"""Teach a classifier with a few pictures and words: features of pictures and sentences, and heads over them.

One engine a file; `base.py` holds what they share. Heads and trust need neither torch nor an engine.
"""

from backends.core.task import EngineSpec, Task
from backends.fewshot.cards import CARDS
from backends.fewshot.flamingo.options import FLAMINGO_OPTIONS
from backends.fewshot.options import OPTIONS
from backends.fewshot.relevance.options import EXPLAIN_OPTIONS

TASK = Task(
    name="fewshot",
    title="Teach with a few pictures",
    verb="classify",
    inputs=("query",),
    optional=("support", "classes", "target"),
    meanings={**OPTIONS, **EXPLAIN_OPTIONS, **FLAMINGO_OPTIONS},
    engines={
        "clip": EngineSpec("backends.fewshot.clip.engine:ClipEngine"),
        "flamingo": EngineSpec("backends.fewshot.flamingo.engine:FlamingoEngine"),
        "prototypes": EngineSpec("backends.fewshot.prototypes:PrototypesEngine"),
    },
    cards=CARDS,
    own=dict.fromkeys((".safetensors", ".bin", ".pt", ".pth"), "clip") | {"folder": "clip", "idefics": "flamingo"},
)
