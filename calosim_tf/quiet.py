"""Keeps what TensorFlow's C++ writes to stderr, past Python and every log level, from burying our messages."""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
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


def import_tensorflow_quietly() -> None:
    """Let the first import of TensorFlow, whenever it comes, pass without its start-up notes.

    Newer releases write them before any log level counts.
    """
    if "tensorflow" not in sys.modules and not any(isinstance(finder, _QuietFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _QuietFinder())


class _QuietFinder:
    """Finds TensorFlow like the other finders do, once, and imports it under :func:`quiet_stderr`."""

    def find_spec(self, name: str, path=None, target=None):
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def quietly(module) -> None:
                with quiet_stderr():
                    run(module)

            spec.loader.exec_module = quietly
        return spec
