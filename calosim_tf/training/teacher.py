"""The generator of another run that a run learns from: found, recorded, and loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras

from calosim_tf.config import Experiment, TaughtTraining
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.files import read_json
from calosim_tf.training.checkpoint import MANIFEST, CheckpointStore
from calosim_tf.training.load import load_network
from calosim_tf.training.run_folder import RunFolder


def teacher_record(experiment: Experiment) -> dict[str, Any] | None:
    """What ``data.json`` says of the teacher: run folder, iteration, SHA-256 of its checkpoint's files; None without.

    Raises
    ------
    ConfigError
        ``training.teacher`` names no run of one generator.
    CheckpointError
        The teacher has no sound checkpoint.
    """
    run = _teacher(experiment)
    if run is None:
        return None
    store = CheckpointStore(run.checkpoints, keep=1)
    iteration = store.newest_sound("best")
    manifest = read_json(store.folder / str(iteration) / MANIFEST, "the checksums of a checkpoint")
    return {"run": str(run.path.resolve()), "iteration": iteration, "sha256": manifest["sha256"]}


def require_same_teacher(run: RunFolder, record: dict[str, Any] | None) -> None:
    """Refuse to continue a run whose teacher has changed; its location does not matter.

    Raises
    ------
    RunFolderError
    """
    begun_with = run.data().get("teacher")
    if _numbers(begun_with) != _numbers(record):
        raise RunFolderError(
            f"{run.path}: the run was begun with another teacher (checkpoint {_words(begun_with)}, now "
            f"{_words(record)}): name that one in training.teacher, or --force to go on regardless"
        )


def load_teacher(experiment: Experiment, normalisation: Normalisation, student: str) -> keras.Model | None:
    """The judged generator of the teacher, not to be trained; None for an experiment that has none.

    Parameters
    ----------
    experiment : Experiment
    normalisation : Normalisation
        Of the student.
    student : str
        Its run, for messages.

    Raises
    ------
    ConfigError
        The teacher makes its showers in other units than the student.
    CheckpointError
    """
    teacher = _teacher(experiment)
    if teacher is None:
        return None
    if teacher.normalisation().to_dict() != normalisation.to_dict():
        raise ConfigError(
            f"training.teacher: found {teacher.path}, whose normalisation is not that of {student}, expected a run on "
            "the same training showers with the same data settings"
        )
    generator, _ = load_network(teacher)
    generator.network.trainable = False
    return generator.network


def _teacher(experiment: Experiment) -> RunFolder | None:
    training = experiment.training
    if not isinstance(training, TaughtTraining):
        return None
    run = RunFolder(Path(training.teacher))
    if not training.teacher or not run.exists or run.experiment().members:
        raise ConfigError(
            f"training.teacher: found {training.teacher!r}, expected the run folder of one trained generator"
        )
    return run


def _numbers(record: dict[str, Any] | None) -> tuple | None:
    return None if record is None else (record["iteration"], record["sha256"])


def _words(record: dict[str, Any] | None) -> str:
    return "none" if record is None else f"{record['iteration']} of {record['run']}"
