"""What a disk raises while a job writes its results, as a sentence."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from backends.core.errors import EngineFailed

UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EIO}


@contextmanager
def writing(what: str = "The result", also: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """Raise EngineFailed where `what` could not be written, because of the disk or one of the errors in `also`."""
    expected: tuple[type[Exception], ...] = (OSError, *also)
    try:
        yield
    except expected as error:
        if isinstance(error, OSError) and error.errno not in UNWRITABLE:
            raise
        raise EngineFailed(
            f"{what} could not be written, most likely because the disk is full: free some space and try again."
        ) from error
