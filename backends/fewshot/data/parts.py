"""The parts of a data set, such as train and test, and what is said of pictures that are no examples."""

from __future__ import annotations

import re

TRAINING_PART = re.compile(r"train(ing)?[-_ ]?(set|images|\d*)", re.IGNORECASE)
OTHER_PART = re.compile(
    r"(valid(ation)?|val|dev|test(ing|s)?|eval(uation)?|holdout|fold)[-_ ]?(set|images|\d*)", re.IGNORECASE
)
"""What the parts of data sets are called, as in train/ and val/, or train2017/."""


def kept_back(count: int) -> str:
    pictures = "1 picture of the other parts was" if count == 1 else f"{count} pictures of the other parts were"
    return f"The {pictures} left out, to be asked about." if count else ""


def left_out(count: int, where: str) -> tuple[str, ...]:
    if not count:
        return ()
    pictures = "1 picture" if count == 1 else f"{count} pictures"
    return (f"{pictures} {where}: left out, as nobody can tell of which class.",)
