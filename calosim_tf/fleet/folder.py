"""The folder of a fleet, and in it that of each member (no TensorFlow)."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from calosim_tf.errors import CalosimError, RunFolderError, StoppedBySignal
from calosim_tf.files import read_json, remove_tree, storage_errors, write_json
from calosim_tf.messages import note

# In this order; each leaves STEP.json when it is done, which the workflow waits for
STEPS = ("train", "judge", "export")


class MemberFolder:
    """Paths and small files of one member.

    Parameters
    ----------
    path : Path

    Attributes
    ----------
    run, bundle, log : Path
        Run folder, exported bundle, and what its steps said.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.run = self.path / "run"
        self.bundle = self.path / "bundle"
        self.log = self.path / "log.txt"
        self._record = self.path / "record.json"

    def done(self, step: str) -> bool:
        """Whether a step is finished."""
        return (self.path / f"{step}.json").is_file()

    def finish(self, step: str, result: dict[str, Any]) -> None:
        """Say that a step is done."""
        write_json(self.path / f"{step}.json", result)

    def failure(self) -> str:
        """Last failure in words; empty for none."""
        path = self.path / "failed.json"
        return str(read_json(path, "a failure").get("message", "")) if path.is_file() else ""

    def hours(self) -> float:
        """Spent on all steps, those that were stopped among them, but for the last minutes of a killed one."""
        path = self.path / "seconds.json"
        return sum(read_json(path, "the times of a member").values()) / 3600 if path.is_file() else 0.0

    def begin(self, record: dict[str, Any]) -> None:
        """Make ready for a member of this record; a run of another one is removed, for it cannot go on."""
        earlier = read_json(self._record, "the record of a member") if self._record.is_file() else None
        if earlier not in (None, record) and self.run.exists():
            note(f"{self.run}: is of other settings or data than the plan has now, it is trained anew")
            with storage_errors(self.path):
                remove_tree(self.run)
        write_json(self._record, record)

    @contextmanager
    def working(self, step: str) -> Iterator[None]:
        """Block of one step, alone in the folder; records how long it took and why it failed.

        A process that is left over from a workflow that was killed ends its step first.

        Raises
        ------
        StorageError
            The folder cannot be written.
        """
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with only_one(self.path / "lock", f"{self.path}: waiting for another process to end its step"):
            start = time.monotonic()
            try:
                yield
            except CalosimError as error:
                if not isinstance(error, StoppedBySignal):
                    write_json(self.path / "failed.json", {"step": step, "message": str(error)})
                raise
            else:
                (self.path / "failed.json").unlink(missing_ok=True)
            finally:
                path = self.path / "seconds.json"
                spent = read_json(path, "the times of a member") if path.is_file() else {}
                write_json(path, {**spent, step: round(spent.get(step, 0.0) + time.monotonic() - start, 1)})


class FleetFolder:
    """Paths of a fleet.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.report = self.path / "report"
        self.log = self.path / "workflow.log"
        self.lock = self.path / "lock"
        self._plan = self.path / "fleet.json"

    def member(self, name: str) -> MemberFolder:
        """Folder of one member."""
        return MemberFolder(self.path / "members" / name)

    def remember(self, record: dict[str, Any]) -> None:
        """Note of which plan the fleet is, and what the workflow has to know of it."""
        with storage_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        write_json(self._plan, record)

    def plan_path(self) -> Path:
        """Its plan; :class:`RunFolderError` for a folder that is no fleet."""
        if not self._plan.is_file():
            raise RunFolderError(f"{self.path}: found no fleet.json, expected the folder of `calosim fleet run --out`")
        return self.path / str(read_json(self._plan, "the record of a fleet").get("plan", ""))


@contextmanager
def only_one(path: Path, waiting: str = "") -> Iterator[int]:
    """Block that one process at a time is in, by the lock of a file, which ends with the process.

    Parameters
    ----------
    path : Path
    waiting : str
        Said when another one is in it, before waiting for it; empty to refuse.

    Yields
    ------
    int
        File descriptor: a child that inherits it keeps the lock.

    Raises
    ------
    RunFolderError
        Another process is in it.
    """
    with storage_errors(path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waiting:
                raise RunFolderError(
                    f"{path.parent}: another process works on this fleet, expected none: wait for it, or stop it"
                ) from None
            note(waiting)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)
