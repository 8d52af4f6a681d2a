"""Errors that a person can act on: each carries one plain sentence."""


class UserError(Exception):
    """Something the user can put right. `str(error)` is one sentence fit for a page, an API answer or a terminal.

    `code` names the kind for programs: it travels over the wire and decides what a page offers next.

    >>> error = BadInput("This file is empty; choose another one.")
    >>> error.code, error.sentence
    ('bad_input', 'This file is empty; choose another one.')
    """

    code = "bad_request"

    @property
    def sentence(self) -> str:
        return str(self)


class BadInput(UserError):
    """The file or option cannot be used as it is: empty, corrupt, of another kind."""

    code = "bad_input"


class UndecodableFile(BadInput):
    """The file crashes its decoder, or keeps it busy without end; the same file will do so again."""

    code = "undecodable_file"


class TooLarge(UserError):
    """The input is sound but over a stated limit of this card on this device."""

    code = "too_large"


class WeightsMissing(UserError):
    """The weights are not on this machine; the sentence says how to get them."""

    code = "weights_missing"


class WeightsBroken(UserError):
    """A weights file is there but cannot be trusted or read: wrong size, hash, architecture."""

    code = "weights_broken"


class DownloadFailed(UserError):
    """Fetching weights stopped; what arrived is kept and the next try resumes."""

    code = "download_failed"


class EngineFailed(UserError):
    """The engine gave up on sound input, for instance out of memory; the sentence says what to try."""

    code = "engine_failed"
