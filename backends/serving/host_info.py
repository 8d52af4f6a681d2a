"""What a machine can run, as `/info` says it: tasks, cards with their state, options and limits, what can be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from backends import __version__
from backends.attribution.question import Question
from backends.core.info import CardInfo, EngineExplainInfo, ExplainInfo, Info, OwnWeightsInfo, TaskInfo
from backends.core.model_card import ModelCard
from backends.core.task import Task
from backends.weights import user_models
from backends.weights.requirements import missing_needs

if TYPE_CHECKING:
    from backends.serving.host import Host


def info_of(host: Host, tasks: Iterable[Task]) -> Info:
    """Everything a page needs to offer the tasks on this host."""
    return Info(
        version=__version__,
        device=host.device_info(),
        versions=_versions(),
        tasks={task.name: _task_info(host, task) for task in tasks},
    )


def _task_info(host: Host, task: Task) -> TaskInfo:
    return TaskInfo(
        title=task.title,
        endpoint=f"/{task.verb}",
        inputs=task.inputs,
        optional=task.optional,
        options=task.options,
        default=host.choose(task)[0].id if host.has_any(task) else "",
        cards=tuple(_card_info(host, task, card) for card in host.cards(task)),
        explain=_explain_info(task),
        own=OwnWeightsInfo(kinds=tuple(task.own), strange=user_models.unsupported(task, host.store.root)),
    )


def _card_info(host: Host, task: Task, card: ModelCard) -> CardInfo:
    """The card, its limits and its state: "failed" after a failure, while `here` tells whether it can be tried."""
    now, stored = host.state(card), host.weights_state(card)
    measured = host.speed(card)
    idle = now.state not in ("downloading", "loading", "ready")
    facts = {key: value for key, value in asdict(card).items() if key != "files"}
    facts |= {
        "options": task.options_of(card),
        "capabilities": task.capabilities_of(card).model_dump(mode="json"),
        "download_bytes": card.download_bytes,
        "packaged": bool(card.archives),
        "revision": card.revision,
        "limits": asdict(card.limit(host.device)),
        "speed": card.speed if measured is None else measured,
        "speed_measured_here": measured is not None,
        **asdict(now),
        "state": "failed" if now.reason and idle else now.state,
        "stored": stored,
        "here": host.can_run(card),
        "lacks": " ".join(need.how for need in missing_needs(card, host.store.root)),
    }
    return CardInfo.model_validate(facts)


def _explain_info(task: Task) -> ExplainInfo:
    """What can be asked of the task's answers."""
    if not task.explainable:
        return ExplainInfo()
    explainable = task.load_explainable()
    options = Question.described()
    detail = next(int(info.default) for info in options if info.name == "detail")
    return ExplainInfo(
        endpoint="/explain",
        options=options,
        targets=explainable.targets,
        optional=explainable.optional,
        engines={
            engine: EngineExplainInfo.model_validate(
                {
                    "default": offer.default,
                    "methods": explainable.described(engine, detail),
                    "baselines": dict(offer.baselines),
                }
            )
            for engine, offer in explainable.offers.items()
        },
    )


LIBRARIES = (
    "torch",
    "numpy",
    "scipy",
    "demucs",
    "av",
    "soxr",
    "opencv-python-headless",
    "PyMatting",
    "onnxruntime",
    "transformers",
    "gemmi",
    "open_clip_torch",
    "scikit-image",
)
"""The libraries that a result depends on: networks and decoders, resampling, image operations, structure files."""


@cache
def _versions() -> dict[str, str]:
    """The versions of LIBRARIES here, so that a run can say what made it."""
    return {name: version(name) for name in LIBRARIES}
