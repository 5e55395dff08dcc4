"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import flush_to_disk, move


def require_free(out: Path, overwrite: bool) -> None:
    """:class:`ConfigError` where ``out`` exists and may not be replaced, or its folder does not exist."""
    if out.is_dir() or (out.exists() and not overwrite):
        raise ConfigError(f"{out}: exists already; give another name or --force to replace it")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: its folder {out.parent} does not exist; create it first")


def write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Call ``write`` with a temporary name and give the file its own when it is complete.

    Raises
    ------
    DataError
        It cannot be written; whatever ``write`` raises passes.
    """
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        write(partial)
        flush_to_disk(partial)
        move(partial, out)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{out}: cannot be written ({reason}); free space or choose another folder") from error
    finally:
        partial.unlink(missing_ok=True)
