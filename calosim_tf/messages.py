"""Messages on stderr: as many as requested, coloured on a terminal only (no TensorFlow).

Results go to stdout and are not handled here.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from calosim_tf.errors import CalosimWarning

QUIET, NORMAL, VERBOSE = -1, 0, 1
YELLOW, RED, PLAIN = "\x1b[33m", "\x1b[31m", "\x1b[0m"

_loudness = {"level": NORMAL}
# Of a Python program that calls the package, thread by thread: no setting of one may reach the others, or a command
_in_a_program: ContextVar[int | None] = ContextVar("loudness in a program", default=None)


def set_verbosity(level: int) -> None:
    """How much is said from now on: ``QUIET`` leaves warnings and errors, ``VERBOSE`` adds details."""
    _loudness["level"] = level


@contextmanager
def in_a_program(progress: bool) -> Iterator[None]:
    """Block that a Python program has called: no notes unless ``progress``, and warnings are Python's warnings."""
    token = _in_a_program.set(NORMAL if progress else QUIET)
    try:
        yield
    finally:
        _in_a_program.reset(token)


def _level() -> int:
    own = _in_a_program.get()
    return _loudness["level"] if own is None else own


def is_verbose() -> bool:
    """Whether details were requested."""
    return _level() >= VERBOSE


def is_watched() -> bool:
    """Whether stderr is watched and progress should be shown."""
    return sys.stderr.isatty() and _level() > QUIET


def detail(text: str) -> None:
    """A detail, shown with ``--verbose``."""
    if is_verbose():
        _say(text)


def note(text: str) -> None:
    """A step of the work, hidden by ``--quiet``."""
    if _level() > QUIET:
        _say(text)


def warn(text: str) -> None:
    """A warning; always shown, in a program as :class:`CalosimWarning` of the line that called the package."""
    if _in_a_program.get() is not None:
        warnings.warn(text, CalosimWarning, stacklevel=_frames_of_ours())
        return
    _say(_coloured("warning:", YELLOW) + f" {text}")


def error(text: str) -> None:
    """Why the command ends; always shown."""
    _say(_coloured("error:", RED) + f" {text}")


def _frames_of_ours() -> int:
    """``stacklevel`` of the first caller outside of the package, seen from the function that calls this one."""
    frame, level = sys._getframe(1), 1
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("calosim_tf"):
        frame, level = frame.f_back, level + 1
    return level


def _say(text: str) -> None:
    print(f"calosim: {text}", file=sys.stderr)


def _coloured(word: str, colour: str) -> str:
    """On a terminal with colours; ``NO_COLOR`` (no-color.org) turns them off."""
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        return f"{colour}{word}{PLAIN}"
    return word
