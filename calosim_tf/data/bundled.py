"""Files that come with the package (no TensorFlow)."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.geometry import DETECTORS

PRETRAINED_PREFIX = "pretrained:"


def bundled_sample(layout: str) -> Path:
    """The real Monte-Carlo sample of a detector; :class:`ConfigError` where none is bundled."""
    sample = DETECTORS[layout].sample if layout in DETECTORS else ""
    if not sample:
        raise ConfigError(f"no sample is bundled for layout {layout!r}: give your own file with --data")
    return _data_prep() / "samples" / f"{sample}.hdf5"


def run_path(name: str) -> Path:
    """Folder of a run: a path, or ``pretrained:NAME`` for one that comes with the package."""
    if not name.startswith(PRETRAINED_PREFIX):
        path = Path(name)
        if not path.is_dir():
            raise RunFolderError(f"{path}: found no such folder, expected a run folder or pretrained:NAME")
        return path
    wanted, known = name.removeprefix(PRETRAINED_PREFIX), pretrained_names()
    if wanted not in known:
        raise RunFolderError(f"{name}: no such pretrained generator, expected one of: {', '.join(known) or 'none'}")
    return _data_prep() / "pretrained" / wanted


def pretrained_names() -> list[str]:
    """Generators that come with the package."""
    folder = _data_prep() / "pretrained"
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _data_prep() -> Path:
    return Path(str(resources.files("calosim_tf.data_prep")))
