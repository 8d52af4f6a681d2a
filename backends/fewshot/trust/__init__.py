"""How far to trust a head: the score of left-out shots, honest probabilities, and “none of these”."""

from backends.fewshot.calibration import probabilities, temperature, usual_temperature
from backends.fewshot.trust.leave_one_out import LeftOut, leave_one_out
from backends.fewshot.trust.out_of_distribution import Rejection, familiarity, find

__all__ = [
    "LeftOut",
    "Rejection",
    "familiarity",
    "find",
    "leave_one_out",
    "probabilities",
    "temperature",
    "usual_temperature",
]
