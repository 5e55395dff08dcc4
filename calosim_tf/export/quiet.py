"""Keeps what the converter's C++ writes to stderr, past Python and every log level, from burying our messages."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_converter() -> Iterator[None]:
    """Send file descriptor 2 elsewhere inside of the block; with ``TF_CPP_MIN_LOG_LEVEL`` below 3 everything shows."""
    if os.environ.get("TF_CPP_MIN_LOG_LEVEL", "0") < "3":
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as elsewhere:
        os.dup2(elsewhere.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
