"""How far to trust a head: leave-one-out accuracy, calibrated probabilities, and “none of these”."""

from backends.fewshot.calibration import default_temperature, fit_temperature, probabilities
from backends.fewshot.trust.leave_one_out import LeaveOneOut, leave_one_out
from backends.fewshot.trust.out_of_distribution import Rejection, fit_rejection, in_class_score

__all__ = [
    "LeaveOneOut",
    "Rejection",
    "default_temperature",
    "fit_rejection",
    "fit_temperature",
    "in_class_score",
    "leave_one_out",
    "probabilities",
]
