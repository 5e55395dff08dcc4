"""Checkpoints that are whole or absent.

A checkpoint is a folder written under a temporary name, flushed to disk and renamed; ``latest`` and ``best`` are
one-line files moved into place.  A manifest of SHA-256 sums tells a sound checkpoint from a damaged one, and readers
fall back to the newest sound one.  What was written is read back before it gets its name: a state with a non-finite
number never becomes a checkpoint.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tensorflow as tf

from calosim_tf.errors import CheckpointError, NonFiniteError, StorageError, UnfitCheckpointError
from calosim_tf.fault_points import reach
from calosim_tf.files import (
    PARTIAL,
    flush_to_disk,
    free_bytes,
    move,
    remove_tree,
    sha256,
    storage_errors,
    write_atomically,
    write_file,
)
from calosim_tf.messages import warn
from calosim_tf.training.matching import read_matched

MANIFEST = "manifest.json"
STATE = "state"
# Of a checkpoint, for what is written in addition to the numbers
MARGIN_BYTES = 2**20
MIB = 2**20
# Of the operating system, in the words that TensorFlow passes on
DISK_WORDS = ("No space left", "Disk quota", "Read-only file system", "Permission denied", "Input/output error")
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class CheckpointStore:
    """The ``checkpoints`` folder of a run.

    Parameters
    ----------
    folder : Path
    keep : int
        Newest checkpoints kept; the best one is kept as well.
    """

    def __init__(self, folder: Path, keep: int):
        self.folder = Path(folder)
        self.keep = keep

    def iterations(self) -> list[int]:
        """Iterations with a checkpoint folder, ascending."""
        if not self.folder.is_dir():
            return []
        return sorted(int(path.name) for path in self.folder.iterdir() if _is_number(path.name) and path.is_dir())

    def save(self, tracked: tf.train.Checkpoint, iteration: int, notes: dict | None = None) -> None:
        """Write checkpoint ``iteration``, with JSON-able ``notes``, and move the ``latest`` pointer to it.

        Raises
        ------
        StorageError
            The disk is full or may not be written to; earlier checkpoints and pointers are intact.
        NonFiniteError
            A number of the state is not finite; likewise.
        """
        partial = self.folder / f"{PARTIAL}{iteration}"
        with storage_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.remove_leftovers()
            self._require_room_for_one()
            try:
                partial.mkdir()
                self._write(tracked, iteration, partial, notes or {})
                final = self.folder / str(iteration)
                if final.exists():  # a damaged one that a resumed run has just passed again
                    remove_tree(final)
                move(partial, final)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        self.mark_latest(iteration)

    def _write(self, tracked: tf.train.Checkpoint, iteration: int, partial: Path, notes: dict) -> None:
        reach("before", "state", partial)
        with tensorflow_disk_errors(self.folder):
            tracked.write(str(partial / STATE))
        reach("after", "state", partial)
        self._require_finite(partial, iteration)
        for path in partial.iterdir():
            flush_to_disk(path)
        sums = {path.name: sha256(path) for path in sorted(partial.iterdir())}
        manifest = {"iteration": iteration, "sha256": sums, "notes": notes}
        write_file(partial / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        flush_to_disk(partial)

    def _require_finite(self, partial: Path, iteration: int) -> None:
        reader = tf.train.load_checkpoint(str(partial / STATE))
        for name, kind in sorted(reader.get_variable_to_dtype_map().items()):
            if kind.is_floating and not np.isfinite(reader.get_tensor(name).astype(np.float32)).all():
                earlier = self.iterations()
                raise NonFiniteError(
                    f"{self.folder}: weight or optimiser state {name.removesuffix(_VALUE)} is not finite after "
                    f"iteration {iteration}, so no checkpoint was written; "
                    f"{f'the last one is {earlier[-1]}' if earlier else 'there is none yet'}: lower the learning rates"
                )

    def _require_room_for_one(self) -> None:
        present = self.iterations()
        if not present:
            return
        needed = sum(path.stat().st_size for path in (self.folder / str(present[-1])).iterdir()) + MARGIN_BYTES
        free = free_bytes(self.folder)
        if free < needed:
            raise StorageError(
                f"{self.folder}: {free / MIB:.1f} MiB are free, expected {needed / MIB:.1f} MiB for the next "
                "checkpoint: free space, then continue with --resume; earlier checkpoints are intact"
            )

    def require_room(self, state_bytes: int) -> None:
        """Refuse to begin a run whose checkpoints do not fit on the disk, once earlier leftovers are gone.

        Parameters
        ----------
        state_bytes : int
            Of one checkpoint.

        Raises
        ------
        StorageError
        """
        self.remove_leftovers()
        # those to keep, the best one, and the one that is being written
        missing = max(1, self.keep + 2 - len(self.iterations()))
        needed, free = missing * (state_bytes + MARGIN_BYTES), free_bytes(self.folder)
        if free < needed:
            raise StorageError(
                f"{self.folder}: {free / MIB:.1f} MiB are free, expected {needed / MIB:.1f} MiB for {missing} "
                "checkpoints: free space, lower run.keep_checkpoints, or choose another --out"
            )

    def remove_leftovers(self) -> None:
        """Delete what a killed process was writing or deleting."""
        for leftover in self.folder.glob(f"*{PARTIAL}*"):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def mark_latest(self, iteration: int) -> None:
        """Name ``iteration`` the newest checkpoint."""
        self._point("latest", iteration)

    def mark_best(self, iteration: int) -> None:
        """Name ``iteration`` the best checkpoint, so that it is never pruned."""
        self._point("best", iteration)

    def prune(self) -> None:
        """Delete all but the newest ``keep`` checkpoints and the best one."""
        kept = {*self.iterations()[-self.keep :], self._pointer("best")}
        with storage_errors(self.folder):
            for iteration in self.iterations():
                if iteration not in kept:
                    remove_tree(self.folder / str(iteration))

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
        UnfitCheckpointError
            It belongs to other networks: a required variable has no value in it.
        """
        iteration = self.newest_sound(which)
        try:
            read_matched(tracked, str(self.folder / str(iteration) / STATE))
        except (ValueError, tf.errors.OpError) as error:
            if self.fault(iteration) is not None:  # pruned meanwhile by the process that trains
                return self.restore(tracked, which)
            raise UnfitCheckpointError(
                f"{self.folder / str(iteration)}: does not fit the networks of this configuration ({error}): "
                "use the configuration it was written with"
            ) from error
        return iteration

    def newest_sound(self, which: str = "latest") -> int:
        """Iteration that :meth:`restore` would load."""
        present = self.iterations()
        wanted = self._pointer(which)
        order = sorted(present, reverse=True)
        if which == "best" and wanted in present:
            order.insert(0, wanted)
        elif wanted not in present and (self.folder / which).exists():
            named = f"names checkpoint {wanted}, which is not there" if wanted is not None else "names no checkpoint"
            _warn(f"{self.folder}/{which} {named}: using the newest sound one")
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
            sums = dict(json.loads((folder / MANIFEST).read_text())["sha256"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return f"{MANIFEST} is missing or unreadable"
        for name in {f"{STATE}.index", *sums}:
            path = folder / name
            if path.parent != folder or not path.is_file():
                return f"{name} is missing"
            if sha256(path) != sums.get(name):
                return f"{name} differs from its checksum"
        return None

    def notes(self, iteration: int) -> dict:
        """What was noted beside a sound checkpoint."""
        return json.loads((self.folder / str(iteration) / MANIFEST).read_text()).get("notes", {})

    def _pointer(self, name: str) -> int | None:
        try:
            text = (self.folder / name).read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
        return int(text) if _is_number(text) else None

    def _point(self, name: str, iteration: int) -> None:
        if self._pointer(name) != iteration:
            write_atomically(self.folder / name, f"{iteration}\n")


@contextmanager
def tensorflow_disk_errors(path: Path) -> Iterator[None]:
    """Turn what TensorFlow raises where a disk is full or fails (checkpoints, TensorBoard) into StorageError."""
    try:
        yield
    except tf.errors.OpError as error:
        if not any(words in error.message for words in DISK_WORDS):
            raise
        raise StorageError(
            f"{path}: cannot be written ({error.message}): free space or raise the quota, then continue with --resume; "
            "earlier checkpoints are intact"
        ) from error


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _warn(message: str) -> None:
    warn(f"{message}")
