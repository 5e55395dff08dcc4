"""The folder of a run: its settings, its data and machine, its progress (no TensorFlow)."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import sys
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

from calosim_tf import __version__
from calosim_tf.config import AnyExperiment, Experiment, Member, experiment_from_dict
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.normalisations import normalisation_from_dict
from calosim_tf.data.source import ShowerSource
from calosim_tf.data.trained_on import TrainedOn
from calosim_tf.errors import CalosimError, RunFolderError, StoppedBySignal, StorageError
from calosim_tf.files import PARTIAL, IterationTable, read_json, require_text, write_json
from calosim_tf.training.normalisation import fit_normalisation

# A resumed run may differ in these: they change how long or where, not what is learnt; a teacher is identified by
# checksums
FREE_KEYS = (
    "training.iterations",
    "training.log_every",
    "run.out",
    "run.keep_checkpoints",
    "run.threads",
    "training.teacher",
)
RECORDED_PACKAGES = ("tensorflow", "keras", "numpy", "h5py", "pandas", "matplotlib", "scipy", "tensorflow-addons")
# Other versions of these compute other numbers, so that a resumed run would not be the uninterrupted one
NUMERICAL_PACKAGES = ("tensorflow", "keras", "tensorflow-addons", "numpy")
# What is in a run folder before config.json makes it one, and what says that an old run was being cleared away
EARLY_FILES = ("data.json", "environment.json", "lock.json")
CLEARED = f"{PARTIAL}cleared"


class RunFolder:
    """Paths and small files of one run.

    The run of a split holds one run folder per member, named after it, and has no checkpoints itself.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        require_text(self.path)
        self.checkpoints = self.path / "checkpoints"
        self.report = self.path / "report"
        self.tensorboard = self.path / "tensorboard"
        self.history = IterationTable(self.path / "history.csv")
        self.selection = IterationTable(self.path / "selection.csv")

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return (self.path / "config.json").is_file()

    def member(self, name: str) -> RunFolder:
        """Folder of one member of a split."""
        return RunFolder(self.path / name)

    def experiment(self) -> AnyExperiment:
        """The configuration the run was begun with."""
        path = self.path / "config.json"
        return experiment_from_dict(read_json(path, "the configuration of a run"), str(path))

    def data(self) -> dict[str, Any]:
        """Files, checksums and normalisation of the training data."""
        return read_json(self.path / "data.json", "the data record of a run")

    def normalisation(self) -> Normalisation:
        """How network outputs turn into MeV."""
        path = self.path / "data.json"
        try:
            return normalisation_from_dict(self.data()["normalisation"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunFolderError(f"{path}: found no usable entry 'normalisation' ({error})") from error

    def trained_on(self) -> TrainedOn | None:
        """Ranges of the training showers; None for a run that did not record them."""
        stored = self.data().get("trained_on")
        try:
            return None if stored is None else TrainedOn.from_dict(stored)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise RunFolderError(f"{self.path / 'data.json'}: found no usable entry 'trained_on' ({error})") from error

    def status(self) -> dict[str, Any]:
        """Last written state; empty before the first one."""
        path = self.path / "status.json"
        return read_json(path, "the status of a run") if path.is_file() else {}

    def write_status(self, iteration: int, state: str, exit_code: int | None = None) -> None:
        """Record how far the run got: ``running``, ``finished``, ``stopped`` or ``failed``."""
        write_json(self.path / "status.json", {"iteration": iteration, "state": state, "exit": exit_code})

    def note_start(self, iteration: int, strategy: str, replicas: int, global_batch: int) -> None:
        """Add to ``strategy.json`` from which iteration on the run was shared by how many replicas."""
        path = self.path / "strategy.json"
        starts = read_json(path, "the strategies of a run").get("starts", []) if path.is_file() else []
        start = {
            "iteration": iteration,
            "strategy": strategy,
            "replicas": replicas,
            "global_batch": global_batch,
            "batch_per_replica": global_batch // replicas,
        }
        write_json(path, {"starts": [*starts, start]})

    def note_end(self, iteration: int, error: CalosimError) -> None:
        """Record that the run ended with ``error``; a disk that cannot take even this is left as it is."""
        state = "stopped" if isinstance(error, StoppedBySignal) else "failed"
        with contextlib.suppress(StorageError):
            self.write_status(iteration, state, error.exit_code)

    def refuse_early(self, *, resume: bool, force: bool) -> None:
        """Refuse an unusable folder before the data are read.

        Raises
        ------
        RunFolderError
            The folder holds a run and neither ``resume`` nor ``force`` is given, or it holds something else.
        """
        if self.exists and not (resume or force):
            raise RunFolderError(
                f"{self.path}: found an existing run, expected a new folder: "
                "continue it with --resume, start again with --force, or choose another --out"
            )
        if not self.exists and self.path.exists() and not self._is_early():
            raise RunFolderError(
                f"{self.path}: found something that is not a run, expected a new or empty folder: choose another --out"
            )

    def prepare(
        self,
        experiment: AnyExperiment,
        source: ShowerSource,
        *,
        resume: bool,
        force: bool,
        teacher: dict[str, Any] | None = None,
    ) -> None:
        """Make the folder for a new run, whose record includes its ``teacher``, or check that an old one may go on.

        Raises
        ------
        RunFolderError
            As :meth:`refuse_early`, or the run in the folder has another configuration, other data or another package
            version.
        """
        self.refuse_early(resume=resume, force=force)
        if self.exists and resume:
            if not force:
                try:
                    self._require_same(experiment, source)
                except (KeyError, TypeError, AttributeError) as error:
                    raise RunFolderError(
                        f"{self.path}: data.json or environment.json is damaged ({type(error).__name__}: {error}): "
                        "--force to go on regardless"
                    ) from error
            self._remove_leftovers()
            write_json(self.path / "config.json", experiment.to_dict())
            return
        record = self._data_record(experiment, source) | ({} if teacher is None else {"teacher": teacher})
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._clear()
            write_json(self.path / "data.json", record)
            write_json(self.path / "environment.json", environment())
            # last, because this file is what makes the folder a run
            write_json(self.path / "config.json", experiment.to_dict())
        except (OSError, StorageError) as error:
            reason = getattr(error, "strerror", None) or error
            raise RunFolderError(f"{self.path}: cannot be made ({reason}): choose another --out") from error

    def _is_early(self) -> bool:
        """Whether there is nothing but what a process that was killed while making a run left."""
        if not self.path.is_dir():
            return False
        names = {path.name for path in self.path.iterdir()}
        return CLEARED in names or all(name in EARLY_FILES or PARTIAL in name for name in names)

    def _clear(self) -> None:
        """Delete an earlier run; when this is interrupted, the next start continues it."""
        aside = self.path / CLEARED
        aside.mkdir(exist_ok=True)
        # the folder itself may be a link to another disk and stays; without its configuration it is no run any more
        for path in sorted(self.path.iterdir(), key=lambda path: path.name != "config.json"):
            if path != aside and path.name != "lock.json":
                path.rename(aside / path.name)
        shutil.rmtree(aside)

    def _remove_leftovers(self) -> None:
        """Delete what killed processes were writing."""
        for path in self.path.glob(f".*{PARTIAL}*"):
            if path.is_file():
                path.unlink(missing_ok=True)
        for path in self.path.glob(f".{self.report.name}.*"):
            shutil.rmtree(path, ignore_errors=True)

    @staticmethod
    def _data_record(experiment: AnyExperiment, source: ShowerSource) -> dict[str, Any]:
        record = {
            "source": source.source_label,
            "files": source.files,
            "events_selected": len(source.incident_energy_mev),
            "events_trained_on": len(source.train_rows),
            "events_held_out": len(source.holdout_rows),
            "streamed_group_rows": source.group_rows,
        }
        if not experiment.members:
            normalisation = fit_normalisation(experiment, source)
            record["normalisation"] = normalisation.to_dict()
            record["trained_on"] = asdict(TrainedOn.of(source, normalisation))
        return record

    def _require_same(self, experiment: AnyExperiment, source: ShowerSource) -> None:
        old, new = _flatten(self.experiment().to_dict()), _flatten(experiment.to_dict())
        for key in sorted(old.keys() | new.keys()):
            if _is_fixed(key) and old.get(key) != new.get(key):
                raise RunFolderError(
                    f"{self.path}: the run was begun with {key} = {old.get(key)}, now asked for {new.get(key)}: "
                    "resume with the same value, or --force to go on regardless"
                )
        recorded = self.data()
        begun_with = [item["sha256"] for item in recorded["files"]]
        now = [item["sha256"] for item in source.files]
        if begun_with != now:
            raise RunFolderError(
                f"{self.path}: the run was begun on other data (sha256 {_short(begun_with)}, now {_short(now)}): "
                "resume with the same --data, or --force to go on regardless"
            )
        if recorded.get("streamed_group_rows") != source.group_rows:
            # the order of the showers depends on whether, and in what groups, they come from disk
            raise RunFolderError(
                f"{self.path}: the run was begun with {_groups(recorded.get('streamed_group_rows'))}, "
                f"now {_groups(source.group_rows)}: set data.memory_limit_gib, or --force to go on regardless"
            )
        self._require_same_versions()

    def _require_same_versions(self) -> None:
        begun_with, now = read_json(self.path / "environment.json", "the environment of a run"), environment()
        versions = {"calosim_tf": (begun_with.get("calosim_tf"), now["calosim_tf"])}
        packages = begun_with.get("packages", {})
        versions |= {name: (packages.get(name), now["packages"][name]) for name in NUMERICAL_PACKAGES}
        for name, (old, new) in versions.items():
            if old != new:
                raise RunFolderError(
                    f"{self.path}: the run was begun with {name} {old}, this is {new}: "
                    "install that version, or --force to go on regardless"
                )


def installed_version(package: str) -> str | None:
    """Installed version; TensorFlow has several distributions, and tensorflow-addons is for Python 3.11 alone."""
    for name in (package, f"{package}-cpu", f"{package}-intel"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.version(name)
    return None


def environment() -> dict[str, Any]:
    """Versions and machine of this process, for the run record."""
    return {
        "calosim_tf": __version__,
        "python": platform.python_version(),
        "packages": {name: installed_version(name) for name in RECORDED_PACKAGES},
        "platform": platform.platform(),
        "cpu_count": len(os.sched_getaffinity(0)),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _is_fixed(key: str) -> bool:
    """Whether a setting must not change on resume; in a split, ``members.NAME.`` stands before those of a member."""
    own = key.split(".", 2)[-1] if key.startswith("members.") else key
    settable = own in Member.RANGE or own.split(".")[0] in Experiment.SECTIONS
    return settable and own not in FREE_KEYS


def _flatten(nested: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat = {}
    for name, value in nested.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = list(value) if isinstance(value, tuple) else value
    return flat


def _groups(rows: int | None) -> str:
    return "showers in memory" if rows is None else f"showers from disk in groups of {rows}"


def _short(sums: list[str]) -> str:
    return ", ".join(item[:12] for item in sums)
