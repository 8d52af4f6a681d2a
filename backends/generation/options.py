"""The options of generation, known before any library is loaded."""

from __future__ import annotations

from backends.core.options import Options, Switch, option

KINDS = {
    "pictures": ("disc", "square", "triangle", "cross", "ring"),
    "sounds": ("kick", "snare", "hi-hat", "tom", "pluck", "organ"),
}
"""What a network of each world can be asked to make, in the order of its labels."""

COLOURS = ("red", "yellow", "green", "blue")
ANY = "any"


class GenerationOptions(Options):
    """What every network takes."""

    count: int = option(8, title="How many", meaning="How many pictures or sounds are made.", least=1, most=64)
    seed: int = option(
        0, title="Seed", meaning="The same seed makes the same again.", least=0, most=2**31 - 1, advanced=True
    )


class DiffusionOptions(GenerationOptions):
    kind: str = option(
        ANY,
        title="Kind",
        meaning="What is to be made.",
        choices=(ANY, *KINDS["pictures"], *KINDS["sounds"]),
    )
    colour: str = option(ANY, title="Colour", meaning="The colour of a picture.", choices=(ANY, *COLOURS))
    steps: int = option(20, title="Steps", meaning="In how many steps noise becomes a picture.", least=4, most=100)
    guidance: float = option(
        2.0, title="Guidance", meaning="How strongly the labels pull; 1 is as learned, 0 ignores them.", least=0, most=8
    )


class VAEOptions(GenerationOptions):
    beta: float = option(
        1.0, title="β", meaning="How dear each nat of the code is; the dearer, the vaguer.", least=0.1, most=30
    )


class AttentionOptions(Options):
    text: str = option(
        "the cat and the dog and the",
        title="Text",
        meaning="Up to 32 words or letters; at each the network says what followed it the last time.",
    )
    heads_off: str = option(
        "", title="Heads off", meaning="Heads to switch off as layer.head, such as “1.2, 2.3”.", advanced=True
    )
    positions: Switch = option(True, title="Positions", meaning="Whether the network knows where each word stands.")
    causal: Switch = option(True, title="Mask", meaning="Whether a word sees only those before it.", advanced=True)
    temperature: float = option(
        1.0, title="Temperature", meaning="Divides the scores before softmax.", least=0.1, most=10, advanced=True
    )
