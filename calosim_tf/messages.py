"""Messages on stderr: as many as requested, coloured on a terminal only (no TensorFlow).

Results go to stdout and are not handled here.
"""

from __future__ import annotations

import os
import sys

QUIET, NORMAL, VERBOSE = -1, 0, 1
YELLOW, RED, PLAIN = "\x1b[33m", "\x1b[31m", "\x1b[0m"

_loudness = {"level": NORMAL}


def set_verbosity(level: int) -> None:
    """How much is said from now on: ``QUIET`` leaves warnings and errors, ``VERBOSE`` adds details."""
    _loudness["level"] = level


def is_verbose() -> bool:
    """Whether details were requested."""
    return _loudness["level"] >= VERBOSE


def is_watched() -> bool:
    """Whether stderr is watched and progress should be shown."""
    return sys.stderr.isatty() and _loudness["level"] > QUIET


def detail(text: str) -> None:
    """A detail, shown with ``--verbose``."""
    if is_verbose():
        _say(text)


def note(text: str) -> None:
    """A step of the work, hidden by ``--quiet``."""
    if _loudness["level"] > QUIET:
        _say(text)


def warn(text: str) -> None:
    """A warning; always shown."""
    _say(_coloured("warning:", YELLOW) + f" {text}")


def error(text: str) -> None:
    """Why the command ends; always shown."""
    _say(_coloured("error:", RED) + f" {text}")


def _say(text: str) -> None:
    print(f"calosim: {text}", file=sys.stderr)


def _coloured(word: str, colour: str) -> str:
    """On a terminal with colours; ``NO_COLOR`` (no-color.org) turns them off."""
    if sys.stderr.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb":
        return f"{colour}{word}{PLAIN}"
    return word
