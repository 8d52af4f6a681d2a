"""The command line of the models: serve them, run one job, list the cards, fetch or import weights."""

from __future__ import annotations

from backends.cli.parser import build_parser, task_first
from backends.cli.terminal import say
from backends.core.errors import UserError

BAD_REQUEST = 2
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command; what the user can put right is one sentence on standard error and exit code 2."""
    try:
        arguments, unknown = build_parser().parse_known_args(task_first(argv))
        if unknown and "reject" not in arguments:
            build_parser().error(f"unrecognized arguments: {' '.join(unknown)}")
        if unknown:
            arguments.reject(unknown)
        return arguments.act(arguments)
    except UserError as error:
        say(error.sentence)
        return BAD_REQUEST
    except KeyboardInterrupt:
        say("Stopped.")
        return INTERRUPTED
