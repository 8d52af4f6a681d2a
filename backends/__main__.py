"""`python -m backends`: serve the models, run one job, list the cards, fetch or import weights."""

from __future__ import annotations

import argparse
import json
import logging
import math
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from backends.core.engine import Artifact, Event, Metric, Notice, Progress, Result
from backends.core.errors import BadInput, UserError
from backends.core.task import Task, task_named, tasks

BAD_REQUEST = 2
SIZES = {"builtin": "built in"}
"""What `list` says of a card without files to download; of any other its user brings them, or a program."""


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return arguments.act(arguments)
    except UserError as error:
        say(error.sentence)
        return BAD_REQUEST
    except KeyboardInterrupt:
        say("Stopped.")
        return 130


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m backends", description="The models of Fourfold.")
    top.set_defaults(act=serve, host="127.0.0.1", port=7860, root=None, supervised=False)
    commands = top.add_subparsers(metavar="COMMAND")

    command = _command(commands, "serve", serve, "serve the models over HTTP (the default)")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on; loopback unless told otherwise")
    command.add_argument("--port", type=int, default=7860, help="0 picks a free one")
    command.add_argument("--root", type=Path, help="folder for uploads and running jobs; a temporary one by default")
    command.add_argument("--supervised", action="store_true", help="stop when standard input ends")

    _ask_for_job(_command(commands, "run", run_job, "do one job and exit"))

    command = _command(commands, "list", list_cards, "list the models and whether they are here")
    command.add_argument("--json", action="store_true")
    command = _command(commands, "fetch", fetch, "download the published weights of a model")
    command.add_argument("id")
    command = _command(commands, "import", adopt, "take in weights that you downloaded yourself")
    command.add_argument("id")
    command.add_argument("file", type=Path, nargs="+")
    return top


def _ask_for_job(command: argparse.ArgumentParser) -> None:
    """The arguments of `run`; the options and further files of all tasks are among them."""
    command.add_argument("task", help=f"one of {', '.join(tasks())}")
    command.add_argument("input", type=Path, help="the file to work on; for pictures also a folder of them")
    command.add_argument("--engine", default="", help="the engine; by default that of the best weights present")
    command.add_argument("--weights", default="", help="a model id or your own file; by default the best present")
    command.add_argument("--out", type=Path, required=True, help="folder for the results")
    command.add_argument("--json", action="store_true", help="print one JSON line about the result")
    extra = sorted({name for task in tasks().values() for name in task.optional})
    command.add_argument(
        "--input",
        dest="extra",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help=f"a further file, may be given several times; NAME is one of {', '.join(extra)}",
    )
    for name, meaning in sorted(_options().items()):
        command.add_argument(f"--{name}", help=meaning)
    for name in sorted(_files()):
        command.add_argument(f"--{name}", type=Path, metavar="PATH", help=f"the same as --input {name}=PATH")


def _options() -> dict[str, str]:
    """Every option of every task, each once; a job refuses those that its task does not have."""
    return {name: meaning for task in tasks().values() for name, meaning in task.options.items()}


def _command(commands: Any, name: str, act: Callable[..., int], text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(act=act)
    return command


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def answer(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def _files() -> set[str]:
    """Further files that have an argument of their own; one that is called like an option goes by `--input`."""
    return {name for task in tasks().values() for name in task.optional} - set(_options())


def serve(arguments: argparse.Namespace) -> int:
    """Serve until told to stop. Prints one JSON line with the address once the port is bound."""
    from backends.serving.process import listen, serve_until_stopped

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    listener = listen(arguments.host, arguments.port)
    serve_until_stopped(listener, arguments.root, arguments.supervised, answer)


def run_job(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host
    from backends.serving.run_job import Job, check_inputs, run

    task, host = task_named(arguments.task), Host()
    options, inputs = _given(arguments, task)
    check_inputs(task, inputs)
    card, weights = host.choose(task, arguments.engine, arguments.weights)
    try:
        arguments.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"Cannot write to {arguments.out} ({error.strerror}).") from error
    job = Job(task, card, weights, inputs, options, arguments.out)
    started = time.monotonic()
    metrics: dict[str, float] = {}
    artifacts: tuple[Artifact, ...] = ()
    with closing(run(host, job)) as events:
        for event in events:
            _report(event)
            if isinstance(event, Metric) and math.isfinite(event.value):
                metrics[event.name] = event.value
            elif isinstance(event, Result):
                artifacts = event.artifacts
    shutil.rmtree(arguments.out / "segments", ignore_errors=True)  # Previews serve players, not files on disk.
    if arguments.json:
        facts = {"task": task.name, "engine": card.engine, "weights": card.id}
        found = [{"kind": item.kind, "name": item.name, "path": str(item.path)} for item in artifacts]
        seconds = round(time.monotonic() - started, 3)
        answer(json.dumps({**facts, "seconds": seconds, "artifacts": found, "metrics": metrics}))
    else:
        for item in artifacts:
            answer(str(item.path))
    return 0


def _given(arguments: argparse.Namespace, task: Task) -> tuple[dict[str, str], dict[str, Path]]:
    """The options and the files that were named."""
    options = {name: value for name in _options() if (value := getattr(arguments, name)) is not None}
    inputs = {task.inputs[0]: arguments.input, **_named(arguments.extra)}
    inputs |= {name: path for name in _files() if (path := getattr(arguments, name)) is not None}
    for name in task.optional:  # `--background beach.jpg` means the file, `--background green` the colour.
        if name in options and name not in inputs and Path(options[name]).is_file():
            inputs[name] = Path(options.pop(name))
    return options, inputs


def _named(pairs: list[str]) -> dict[str, Path]:
    """`["background=beach.jpg"]` as names and files."""
    split = [pair.partition("=") for pair in pairs]
    for name, equals, file in split:
        if not (name and equals and file):
            raise BadInput("Give a further file as NAME=FILE, such as --input background=beach.jpg.")
    return {name: Path(file) for name, _, file in split}


def _report(event: Event) -> None:
    match event:
        case Progress(stage, done, total, unit) if total:
            say(f"{stage}: {100 * done / total:3.0f} % ({done:.6g} of {total:.6g} {unit})".replace(" )", ")"))
        case Notice(sentence):
            say(sentence)
        case Metric(name, value, unit):
            say(f"{name}: {value:.4g} {unit}".rstrip())


def list_cards(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host
    from backends.weights.download import size_text

    host = Host()
    info = host.info()
    if arguments.json:
        answer(info.model_dump_json(exclude_unset=True))
        return 0
    longest = max(len(card.id) for task in info.tasks.values() for card in task.cards)
    for name, task in info.tasks.items():
        for card in task.cards:
            size = size_text(card.download_bytes) if card.download_bytes else SIZES.get(card.tier, "own")
            answer(f"{name:11} {card.id:{longest}} {card.state:8} {size:>9}  {card.title}")
        for unsupported in task.own.strange:
            say(f"“{unsupported}” is no kind of weights that {name} takes ({', '.join(task.own.kinds)}).")
    say(f"Weights of your own go into {host.store.root / 'yours' / 'TASK'}, each file or folder a model.")
    return 0


def fetch(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host

    host = Host()
    with closing(host.fetch(host.any_card(arguments.id)[1])) as events:
        for event in events:
            _report(event)
    return 0


def adopt(arguments: argparse.Namespace) -> int:
    from backends.serving.host import Host

    host = Host()
    _, card = host.any_card(arguments.id)
    for path in host.store.adopt(card, arguments.file):
        answer(str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
