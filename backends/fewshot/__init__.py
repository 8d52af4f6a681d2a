"""Few-shot classification: features of images and sentences, and classifiers (“heads”) over them.

One engine per file; `features.py` is the interface of a feature extractor, `job.py` the job that every one runs. Heads
and trust need neither torch nor an engine.
"""

from backends.core.adapting import Material
from backends.core.task import Task
from backends.fewshot.cards import CARDS, ENGINES

TASK = Task(
    name="fewshot",
    title="Teach with a few pictures",
    verb="classify",
    inputs=("query",),
    optional=("support", "classes", "target"),
    engines=ENGINES,
    cards=CARDS,
    explainable="backends.fewshot.explanation.asking:EXPLAINABLE",
    own=dict.fromkeys((".safetensors", ".bin", ".pt", ".pth"), "clip") | {"folder": "clip", "idefics": "flamingo"},
    material=Material(
        engine="clip",
        what="CLIP learns your classes by low-rank changes (LoRA) to its attention and projections.",
        noun="picture",
        layout="One folder a class, called as the class, with its pictures in it.",
        endings=(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"),
        least=24,
        steps=100,
        by="the share of pictures that is named right by the words alone",
    ),
)
