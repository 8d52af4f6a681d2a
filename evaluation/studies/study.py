"""A study as data: a YAML file, checked so that each fault is one sentence.

title: Starter against the built-in separator
task: separation
dataset: drawn-songs              # or {id: mir1k, folder: /data/mir1k, split: held-out}
cards: [dsp, htdemucs-starter, mixture]
metrics: [si_sdr, song_sdr]
conditions: [clean, {noise: [1, 3, 5]}]
units: 8
keep: excerpts                    # or nothing, everything
published: [{system: Open-Unmix, metric: sdr, part: vocals, value: 6.32, source: Stöter et al. 2019}]
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from backends.core.errors import BadInput
from backends.core.task import task_named
from evaluation.conditions.base import CLEAN, conditions
from evaluation.datasets.registry import ENTRIES
from evaluation.metrics.base import metrics
from evaluation.studies.excerpts import Keep
from evaluation.studies.yardsticks import YARDSTICKS

MAX_STUDY_BYTES = 1_000_000
SEVERITIES = (1, 2, 3, 4, 5)


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DatasetChoice(_Model):
    """Which data set, where it lies, which part of it, and of what domain it is where that is not the usual one."""

    id: str
    folder: Path | None = None
    split: str = ""
    domain: str = Field("", max_length=80)
    options: Mapping[str, Any] = Field(default_factory=dict)


class SystemChoice(_Model):
    """A card, or a yardstick, with options; `name` is what rows call it."""

    card: str
    name: str = ""
    options: Mapping[str, Any] = Field(default_factory=dict)

    @property
    def label(self) -> str:
        return self.name or self.card


class ConditionChoice(_Model):
    """A condition and the severities at which it is measured."""

    id: str
    severities: tuple[int, ...] = SEVERITIES


class Published(_Model):
    """A result from elsewhere, shown beside those of a study and never tested against them: its units are not ours."""

    system: str = Field(min_length=1)
    metric: str
    value: float
    source: str = Field(min_length=10)
    part: str = ""
    units: int | None = Field(None, ge=1)
    note: str = ""


class Study(_Model):
    """What is run. Lists in YAML may be written short: a card or data set by its id, a condition as `{id: levels}`."""

    title: str = Field(min_length=1, max_length=200)
    task: Literal["separation", "matting", "folding", "fewshot"]
    dataset: DatasetChoice
    cards: tuple[SystemChoice, ...] = Field(min_length=1, max_length=40)
    metrics: tuple[str, ...] = Field(min_length=1)
    conditions: tuple[ConditionChoice, ...] = ()
    seeds: tuple[int, ...] = (0,)
    units: int | None = Field(None, ge=1)
    margin: float | None = Field(None, gt=0)
    question: str = ""
    keep: Keep = "nothing"
    published: tuple[Published, ...] = ()

    @field_validator("dataset", mode="before")
    @classmethod
    def _short_dataset(cls, value: Any) -> Any:
        return {"id": value} if isinstance(value, str) else value

    @field_validator("cards", mode="before")
    @classmethod
    def _short_cards(cls, value: Any) -> Any:
        return [{"card": item} if isinstance(item, str) else item for item in _list(value)]

    @field_validator("conditions", mode="before")
    @classmethod
    def _short_conditions(cls, value: Any) -> Any:
        return [choice for item in _list(value) for choice in _condition(item)]

    @model_validator(mode="after")
    def _known_names(self) -> Study:
        cards = [card.id for card in task_named(self.task).cards]
        for choice in self.cards:
            _known(choice.card, [*cards, *YARDSTICKS[self.task]], "model")
        for name in self.metrics:
            _known(name, metrics(self.task), "measure")
        for condition in self.conditions:
            _known(condition.id, conditions(self.task), "condition")
            if not set(condition.severities) <= set(SEVERITIES):
                raise ValueError(
                    f"severities are {SEVERITIES[0]} to {SEVERITIES[-1]}, not {list(condition.severities)}"
                )
        for result in self.published:
            _known(result.metric, metrics(self.task), "measure")
        _known(self.dataset.id, [entry.id for entry in ENTRIES.values() if entry.task == self.task], "data set")
        labels = [choice.label for choice in self.cards]
        if len(set(labels)) < len(labels):
            raise ValueError("two models have the same name; give one of them a `name` of its own")
        return self

    def levels(self) -> Iterator[tuple[str, int]]:
        """Each condition and severity that is run; the input as it is comes first."""
        yield CLEAN, 0
        for choice in self.conditions:
            for severity in choice.severities:
                yield choice.id, severity

    def split(self) -> str:
        return self.dataset.split or ENTRIES[self.dataset.id].split

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def read_study(path: Path) -> Study:
    """The study of a YAML file. Raises BadInput, in one sentence."""
    if not path.is_file():
        raise BadInput(f"There is no study at {path}.")
    if path.stat().st_size > MAX_STUDY_BYTES:
        raise BadInput(f"{path.name} is too large for a study.")
    try:
        values = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(getattr(error, "problem_mark", None), "line", None)
        where = f" near line {place + 1}" if place is not None else ""
        raise BadInput(f"{path.name} is no valid YAML{where}.") from error
    if not isinstance(values, dict):
        raise BadInput(f"{path.name} holds no study: it must begin with `title:`, `task:` and `dataset:`.")
    study = parse_study(values)
    folder = study.dataset.folder
    if folder is not None and not folder.is_absolute():  # beside the file, wherever the command is run
        study = study.model_copy(update={"dataset": study.dataset.model_copy(update={"folder": path.parent / folder})})
    return study


def parse_study(values: Mapping[str, Any]) -> Study:
    """The study that these values describe. Raises BadInput that names the first fault."""
    try:
        return Study.model_validate(values)
    except ValidationError as error:
        raise BadInput(_sentence(error.errors()[0])) from error


def _sentence(fault: Any) -> str:
    place = ".".join(str(part) for part in fault["loc"])
    match fault["type"]:
        case "missing":
            return f"The study has no `{place}`."
        case "extra_forbidden":
            near = difflib.get_close_matches(str(fault["loc"][-1]), [*Study.model_fields, *DatasetChoice.model_fields])
            return f"The study has an unknown field `{place}`{f'; did you mean `{near[0]}`?' if near else '.'}"
        case "value_error":
            text = str(fault["ctx"]["error"])
            return f"In the study, {text}." if not place else f"In the study's `{place}`, {text}."
    message = fault["msg"][0].lower() + fault["msg"][1:]
    return f"In the study, `{place or 'it'}` cannot be {fault['input']!r}: {message}."


def _known(name: str, names: Sequence[str] | Mapping[str, Any], what: str) -> None:
    if name not in names:
        near = difflib.get_close_matches(name, list(names), 1)
        hint = f"did you mean “{near[0]}”?" if near else f"there are {', '.join(names)}"
        raise ValueError(f"no {what} is called “{name}”; {hint}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else list(value) if isinstance(value, tuple) else [value]


def _condition(item: Any) -> Iterator[Any]:
    if isinstance(item, str):
        if item != CLEAN:
            yield {"id": item}
    elif isinstance(item, dict) and not {"id", "severities"} & item.keys():
        for name, levels in item.items():
            yield {"id": name, "severities": levels}
    else:
        yield item
