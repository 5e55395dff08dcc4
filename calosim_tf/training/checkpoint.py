"""Checkpoints that are whole or absent.

A checkpoint is a folder written under a temporary name, flushed to disk and renamed; ``latest`` and ``best`` are
one-line files moved into place.  A manifest of SHA-256 sums tells a sound checkpoint from a damaged one, and readers
fall back to the newest sound one.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import tensorflow as tf

from calosim_tf.errors import CheckpointError
from calosim_tf.files import flush_to_disk, sha256, write_atomically

MANIFEST = "manifest.json"
_PARTIAL = ".partial-"


class CheckpointStore:
    """The ``checkpoints`` folder of a run.

    Parameters
    ----------
    folder : Path
    keep : int
        Newest checkpoints kept; the best one is kept besides.
    """

    def __init__(self, folder: Path, keep: int):
        self.folder = Path(folder)
        self.keep = keep

    def iterations(self) -> list[int]:
        """Iterations with a checkpoint folder, ascending."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdigit() and path.is_dir())

    def save(self, tracked: tf.train.Checkpoint, iteration: int, notes: dict | None = None) -> None:
        """Write checkpoint ``iteration``, with JSON-able ``notes``, and move the ``latest`` pointer to it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for leftover in self.folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        partial = self.folder / f"{_PARTIAL}{iteration}"
        partial.mkdir()
        tracked.write(str(partial / "state"))
        sums = {path.name: sha256(path) for path in sorted(partial.iterdir())}
        manifest = {"iteration": iteration, "sha256": sums, "notes": notes or {}}
        (partial / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        for path in partial.iterdir():
            flush_to_disk(path)
        flush_to_disk(partial)
        final = self.folder / str(iteration)
        if final.exists():  # a damaged one that a resumed run has just passed again
            shutil.rmtree(final)
        partial.rename(final)
        flush_to_disk(self.folder)
        self._point("latest", iteration)

    def mark_best(self, iteration: int) -> None:
        """Name ``iteration`` the best checkpoint, so that it is never pruned."""
        self._point("best", iteration)

    def prune(self) -> None:
        """Delete all but the newest ``keep`` checkpoints and the best one."""
        kept = {*self.iterations()[-self.keep :], self._pointer("best")}
        for iteration in self.iterations():
            if iteration not in kept:
                shutil.rmtree(self.folder / str(iteration))

    def restore(self, tracked: tf.train.Checkpoint, which: str = "latest") -> int:
        """Load the checkpoint that ``which`` (``latest`` or ``best``) points to; returns its iteration.

        A damaged checkpoint, or a pointer to nowhere, is passed over with a one-line warning in favour of the newest
        sound one.

        Parameters
        ----------
        tracked : tf.train.Checkpoint
        which : {'latest', 'best'}

        Raises
        ------
        CheckpointError
            No sound checkpoint is left.
        """
        iteration = self.newest_sound(which)
        tracked.read(str(self.folder / str(iteration) / "state")).expect_partial()
        return iteration

    def newest_sound(self, which: str = "latest") -> int:
        """Iteration that :meth:`restore` would load."""
        present = self.iterations()
        wanted = self._pointer(which)
        order = sorted(present, reverse=True)
        if which == "best" and wanted in present:
            order.insert(0, wanted)
        elif wanted is not None and wanted not in present:
            _warn(f"{self.folder}/{which} names checkpoint {wanted}, which is not there: using the newest sound one")
        for iteration in order:
            fault = self.fault(iteration)
            if fault is None:
                return iteration
            _warn(f"checkpoint {self.folder / str(iteration)} is damaged ({fault}): falling back to an earlier one")
        raise CheckpointError(
            f"{self.folder}: found no sound checkpoint, expected at least one: start again with --force"
        )

    def fault(self, iteration: int) -> str | None:
        """What is wrong with a checkpoint, or None."""
        folder = self.folder / str(iteration)
        try:
            sums = json.loads((folder / MANIFEST).read_text())["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return f"{MANIFEST} is missing or unreadable"
        for name, expected in sums.items():
            path = folder / name
            if not path.is_file():
                return f"{name} is missing"
            if sha256(path) != expected:
                return f"{name} differs from its checksum"
        return None

    def notes(self, iteration: int) -> dict:
        """What was noted beside a sound checkpoint."""
        return json.loads((self.folder / str(iteration) / MANIFEST).read_text()).get("notes", {})

    def _pointer(self, name: str) -> int | None:
        try:
            text = (self.folder / name).read_text().strip()
        except OSError:
            return None
        return int(text) if text.isdigit() else None

    def _point(self, name: str, iteration: int) -> None:
        write_atomically(self.folder / name, f"{iteration}\n")


def _warn(message: str) -> None:
    print(f"calosim: warning: {message}", file=sys.stderr)
