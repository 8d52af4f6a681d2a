"""The command line of the evaluation: `python -m evaluation --help` lists what it does."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from backends.core.errors import UserError

COMMANDS = ("compare", "run", "check", "report", "atlas")
"""Each is a module of `evaluation.commands` with a docstring, `arguments(parser)` and `run(arguments)`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; a fault of the user's becomes one sentence, and the status 2."""
    parser = argparse.ArgumentParser("python -m evaluation", description="Measure models, and say how sure it is.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        module = importlib.import_module(f"evaluation.commands.{name}")
        summary = (module.__doc__ or "").strip().splitlines()[0]
        command = commands.add_parser(name, help=summary, description=summary)
        module.arguments(command)
        command.set_defaults(run=module.run)
    chosen = parser.parse_args(arguments)
    try:
        return chosen.run(chosen)
    except UserError as error:
        sys.stderr.write(f"{error.sentence}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. The same command goes on from here.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
