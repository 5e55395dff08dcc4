"""A file that is not whole yet, and the lock that keeps a second writer away from it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from calosim_tf.errors import CalosimError
from calosim_tf.files import flush_to_disk, write_json

_LOCK_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class Partial:
    """What has been received so far, and of which version of the file.

    Parameters
    ----------
    path : Path
    descriptor : int
        Open for appending.
    """

    def __init__(self, path: Path, descriptor: int):
        self.path = path
        self._descriptor = descriptor
        self._note = path.with_name(path.name + ".json")

    @property
    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def append(self, block: bytes) -> None:
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def validator(self, url: str) -> str | None:
        """Version that the bytes belong to, if they came from ``url`` and the server had told."""
        try:
            note = json.loads(self._note.read_text())
            return note["validator"] if note["url"] == url else None
        except (OSError, ValueError, TypeError, KeyError):
            return None

    def begin(self, url: str, validator: str | None) -> None:
        """Drop all bytes; those to come belong to this version."""
        os.ftruncate(self._descriptor, 0)
        write_json(self._note, {"url": url, "validator": validator})

    def publish(self, target: Path) -> None:
        """Give the whole file its name."""
        os.fsync(self._descriptor)
        self.path.replace(target)
        self._note.unlink(missing_ok=True)
        flush_to_disk(target.parent)

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


@contextmanager
def locked_partial(target: Path, say: Callable[[str], None]) -> Iterator[Partial]:
    """The partial file of ``target``, which no other process writes to meanwhile."""
    path = target.with_name(target.name + ".partial")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _LOCK_TAKEN:
                raise CalosimError(f"{target}: is being fetched by another process; wait for it") from error
            say(f"{path.parent} has no file locks: do not start a second fetch of the same file")
        # finished or given up by another process between our opening and locking: the name is no longer this file
        if not path.exists() or path.stat().st_ino != os.fstat(descriptor).st_ino:
            raise CalosimError(f"{target}: another process has just fetched it; run the command again")
        yield Partial(path, descriptor)
    finally:
        os.close(descriptor)
