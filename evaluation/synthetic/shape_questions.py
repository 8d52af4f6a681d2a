"""Questions about drawn shapes with their true answers, and names for new things that say nothing about them."""

from __future__ import annotations

import random
import re
from hashlib import sha256

from backends.fewshot.data.class_list import with_article
from backends.fewshot.flamingo.interleave import ASK_CAPTION, ASK_NAME
from evaluation.synthetic.scenes import NUMBERS
from evaluation.synthetic.shape_scenes import COLOUR_NAMES, FILL_NAMES, NONE, RELATIONS, SHAPE_NAMES, Facts
from evaluation.synthetic.shapes import FILLS, SHAPES

_WORDS = re.findall(
    r"\w+",
    """
    apple arm axe bag bank barn bat beach bean bear bed bee bell bench bird boat book boot bottle bowl box brick
    bridge broom brush bucket bus butter cake camel candle cap car card cat chair cheese cherry clock cloud coat
    coin comb corn cow cup dog door dragon dress drum duck eagle ear egg engine face farm feather fence finger fire
    flag fork fox frog garden gate ghost gift glass glove goat goose grape grass guitar hand hat hawk hen hill horse
    ice ink iron island jar jewel kettle kite knife ladder lake lamp leg lemon lion lock log map mask melon milk
    mirror monkey mouse mouth mug nail neck nest net nose nut ocean onion owl paint palm pan paper park peach pear
    pen pencil piano pig pillow pin pipe plane plant plate plum pond pot rabbit radio rain rat river road robot
    rocket roof rope rose sail salt sand saw shark sheep shell ship shirt shoe shop silk snail snake snow soap sock
    sofa soup spider spoon stone stool storm swan sword table tail tent tiger toast tooth tower town toy train truck
    tulip turtle vase violin wagon wall watch whale wheel wind window wing wolf wood worm zebra ant ball leaf ring
    mushroom metal wooden person man woman child happy sad good bad old new small large left broken whole ripe raw
    clean dirty open closed
""",
)
_STARTS = tuple(
    re.findall(r"\w+", "b bl br c ch cl d dr f fl g gl gr h j k kr l m n p pl qu r s sh sl st t th tr v w z")
)
_MIDDLES = tuple(re.findall(r"\w+", "a ai e ee i o oo ou u"))
_ENDS = ["", "", "b", "ck", "d", "ff", "g", "l", "m", "n", "nt", "p", "r", "rk", "s", "sh", "t", "x", "zz"]


def held_out_name(name: str) -> bool:
    """Whether a name is never trained on: one in five, by its letters."""
    return sha256(name.encode()).digest()[0] % 5 == 0


def new_name(rng: random.Random, apart: bool = False, simple: bool = False) -> str:
    """A name that says nothing of what it is given to: a word, one made up, two of them, a letter or a number.

    Where `simple`, a word.
    """
    while True:
        kind = 0.0 if simple else rng.random()
        if kind < 0.4:
            name = rng.choice(_WORDS)
        elif kind < 0.86:
            parts = 1 if rng.random() < 0.7 else 2
            name = "".join(rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS) for _ in range(parts))
        elif kind < 0.93:
            name = f"{rng.choice(_WORDS)} {rng.choice(_WORDS)}"
        else:
            name = rng.choice(("class ", "kind ", "type ", "")) + rng.choice("ABCDEFGHKLMNPRSTUVWXYZ123456789")
        name = name.capitalize() if not simple and rng.random() < 0.1 else name
        if held_out_name(name) == apart:
            return name


def distinct_names(count: int, rng: random.Random, apart: bool = False, simple: bool = False) -> list[str]:
    """So many new names, no two alike."""
    names: list[str] = []
    while len(names) < count:
        if (name := new_name(rng, apart, simple)).lower() not in [one.lower() for one in names]:
            names.append(name)
    return names


def plural(shape: str) -> str:
    return f"{shape}es" if shape == "cross" else f"{shape}s"


def thing(facts: Facts, row: int, other: bool = False) -> str:
    """Colour and shape, such as “red square”; of the second of two things where `other`."""
    colour, shape = (facts.other_colour, facts.other_shape) if other else (facts.colour, facts.shape)
    return f"{COLOUR_NAMES[colour[row]]} {SHAPE_NAMES[shape[row]]}"


def questions(facts: Facts, row: int) -> tuple[str, ...]:
    """The kinds of questions that can be answered of a picture."""
    named, filled = facts.shape[row] < len(SHAPES), 0 <= facts.fill[row] < len(FILLS)
    if facts.relation[row] != NONE:
        return ("relation", "place", "name", "caption", "number")
    if facts.count[row] > 1:
        return ("number", "colour", "shape", "name", "caption")
    return (
        *(("colour", "shape", "name", "caption") if named else ("colour",)),
        *(("fill",) if filled else ()),
        "number",
    )


def ask(kind: str, facts: Facts, row: int, rng: random.Random) -> tuple[str, str]:
    """A question of this kind and its true answer."""
    colour, count = COLOUR_NAMES[facts.colour[row]], int(facts.count[row])
    shape = SHAPE_NAMES[facts.shape[row]]
    if kind == "colour":
        usual = ("What colours are they?", "What colour are they?") if count > 1 else ("What colour is it?",) * 2
        return rng.choice(
            (*usual, "What colour is it?", "Which colour is it?", "What color is it?", "Which colour?")
        ), colour
    if kind == "shape":
        return rng.choice(("What shape is it?", "What shape is it?", "Which shape is it?", "What is its shape?")), shape
    if kind == "number":
        return rng.choice(("How many are there?", "How many are there?", "How many things are there?")), NUMBERS[count]
    if kind == "fill":
        return rng.choice(("What pattern does it have?", "Which pattern is it?")), FILL_NAMES[facts.fill[row]]
    if kind == "relation":
        return _relation(facts, row, rng)
    if kind == "place":
        swapped = rng.random() < 0.5
        sides = ("left", "right", "top", "bottom")
        relation = facts.relation[row] ^ 1 if swapped else facts.relation[row]
        return f"Where is the {thing(facts, row, swapped)}?", sides[relation]
    return (ASK_NAME, _name(facts, row, rng)) if kind == "name" else (ASK_CAPTION, _caption(facts, row, rng))


def _relation(facts: Facts, row: int, rng: random.Random) -> tuple[str, str]:
    """Whether one thing lies so to the other: as often as not it does."""
    first, second = thing(facts, row), thing(facts, row, other=True)
    said = int(facts.relation[row])
    if rng.random() < 0.5:
        first, second, said = second, first, said ^ 1
    true = rng.random() < 0.5
    return f"Is the {first} {RELATIONS[said if true else said ^ 1]} the {second}?", "yes" if true else "no"


def _name(facts: Facts, row: int, rng: random.Random) -> str:
    if facts.relation[row] != NONE:
        return f"{thing(facts, row)} and {thing(facts, row, other=True)}"
    colour, shape, count = COLOUR_NAMES[facts.colour[row]], SHAPE_NAMES[facts.shape[row]], int(facts.count[row])
    if count > 1:
        return f"{NUMBERS[count]} {colour} {plural(shape)}"
    return rng.choice((f"{colour} {shape}", f"{colour} {shape}", shape, colour, with_article(f"{colour} {shape}")))


def _caption(facts: Facts, row: int, rng: random.Random) -> str:
    if facts.relation[row] != NONE:
        first, second = with_article(thing(facts, row)), with_article(thing(facts, row, other=True))
        return f"{first} {RELATIONS[facts.relation[row]]} {second}"
    if facts.count[row] > 1:
        return _name(facts, row, rng)
    fill = FILL_NAMES[facts.fill[row]]
    return with_article(f"{fill} {thing(facts, row)}" if fill in FILLS and fill != "plain" else thing(facts, row))
