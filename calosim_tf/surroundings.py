"""What is set around a process for other programs, and must not reach into this one.

A notebook leaves its plot backend in the environment, another project its ``keras.json`` in the home folder, a
container no home folder at all.  A command that depends on them works for one person and not for the next.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

KERAS_HOME = "KERAS_HOME"
# What every command sets for its own process and its workers, whatever was there.  os.devnull in the place of a file or
# folder is one that holds nothing and takes nothing.
OWN = {
    "MPLBACKEND": "agg",
    "MATPLOTLIBRC": os.devnull,
    KERAS_HOME: os.devnull,
    "TF_USE_LEGACY_KERAS": "0",
}
# Keras' own values, which the networks are built with
KERAS_DEFAULTS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last", "backend": "tensorflow"}

_replaced: dict[str, str] = {}


def shut_out() -> None:
    """Set ``OWN``; has to come before matplotlib, Keras or TensorFlow is imported."""
    _replaced.update({name: os.environ[name] for name in OWN if os.environ.get(name, OWN[name]) != OWN[name]})
    os.environ.update(OWN)


def shut_out_here() -> Iterator[str]:
    """What there is that other programs set and this one does not use, a sentence each."""
    for name, value in _replaced.items():
        yield f"{name}={value} is not used"
    path = _keras_json()
    try:
        found = json.loads(path.read_text())
        words = ", ".join(f"{key} {found[key]}" for key, own in KERAS_DEFAULTS.items() if found.get(key, own) != own)
    except OSError:
        return
    except (ValueError, AttributeError, RecursionError):
        words = "which cannot be read as JSON"
    if words:
        yield f"{path} ({words}) is not used"


def _keras_json() -> Path:
    folder = _replaced.get(KERAS_HOME)
    return (Path(folder) if folder else Path(os.path.expanduser("~"), ".keras")) / "keras.json"


def home_folder() -> Path | None:
    """The user's home folder; None where there is none, as for a user without a name in a container."""
    home = os.path.expanduser("~")
    return None if home == "~" else Path(home)


def cache_folder(name: str) -> Path:
    """Folder ``~/.cache/NAME``, or without a home folder one of this user among the temporary files."""
    home = home_folder()
    return Path(tempfile.gettempdir(), f"{name}-{os.getuid()}") if home is None else home / ".cache" / name
