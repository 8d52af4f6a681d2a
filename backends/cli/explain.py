"""`python -m backends explain TASK FILE`: why a model answered as it did, as files in a folder of the user's."""

from __future__ import annotations

import argparse
import json
from contextlib import closing
from typing import Any

from backends.attribution.question import Question
from backends.cli.results import put_in_place, work_folder
from backends.cli.terminal import answer, report
from backends.core.engine import Event, Notice, Result
from backends.core.task import task_named, tasks


def add_explain(commands: Any) -> None:
    """The arguments of `explain`; those of the question are drawn from its options."""
    text = "say why a model answered as it did"
    command = commands.add_parser("explain", help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(act=explain_task)
    explained = [name for name, task in tasks().items() if task.explainable]
    command.add_argument("task", choices=explained, metavar="TASK", help=", ".join(explained))
    command.add_argument("file", help="what the model answered about")
    command.add_argument("--out", required=True, help="folder for the results")
    command.add_argument("--engine", default="", help="by default that of the best weights")
    command.add_argument("--weights", default="", help="a model's id or your own file; by default the best present")
    command.add_argument("--json", action="store_true", help="print one JSON line about the result")
    for info in Question.described():
        words = f"{info.title}. {info.meaning}".replace("%", "%%")
        command.add_argument(f"--{info.name}", dest=f"question {info.name}", metavar=info.name.upper(), help=words)
    for name in dict.fromkeys(name for key in explained for name in tasks()[key].load_explainable().optional):
        command.add_argument(f"--{name}", dest=f"file {name}", metavar="PATH", help="a further file")


def explain_task(arguments: argparse.Namespace) -> int:
    """Explain one answer; its files arrive in `--out` once that has succeeded."""
    from pathlib import Path

    from backends.attribution.explain import PREVIEW
    from backends.serving.explain_job import ExplainRequest, explain_job
    from backends.serving.host import Host
    from backends.serving.inputs import check_inputs

    task, host = task_named(arguments.task), Host()
    given = {name: value for name, value in vars(arguments).items() if value is not None}
    question = {name.removeprefix("question "): given[name] for name in given if name.startswith("question ")}
    further = {name.removeprefix("file "): Path(given[name]) for name in given if name.startswith("file ")}
    inputs = {task.inputs[0]: Path(arguments.file), **further}
    check_inputs(task, inputs)
    card, weights = host.choose(task, arguments.engine, arguments.weights, inputs)
    notices: list[str] = []
    result: Event | None = None
    with work_folder(Path(arguments.out)) as work:
        request = ExplainRequest(task, card, weights, inputs, question, work)
        with closing(explain_job(host, request)) as events:
            for event in events:
                report(event)
                notices += [event.sentence] if isinstance(event, Notice) else []
                result = event
        for preview in work.glob(f"{PREVIEW}.*"):
            preview.unlink()  # the whole map has taken its place
        places = put_in_place(work, Path(arguments.out))
    assert isinstance(result, Result)
    paths = {
        artifact.name if artifact.kind == "sound" else artifact.kind: str(places[artifact.path.relative_to(work)])
        for artifact in result.artifacts
    }
    if not arguments.json:
        for path in paths.values():
            answer(path)
        return 0
    answer(json.dumps(_line(task.name, card, result, paths, notices)))
    return 0


def _line(task: str, card: Any, result: Any, paths: dict[str, str], notices: list[str]) -> dict[str, Any]:
    """The result as one JSON object; `checks` is the verdict, or null where the map was not tested."""
    names = ("method", "target", "contrast", "score", "unit", "seconds", "evaluations")
    checks = {"verdict": result.verdict, "sentence": result.sentence} if result.verdict else None
    about = {"task": task, "engine": card.engine, "weights": card.id}
    return {
        **about,
        **{name: getattr(result, name) for name in names},
        "attribution": paths["attribution"],
        "files": paths,
        "checks": checks,
        "notices": notices,
    }
