"""A run as the networks it trains: itself, or the members of a split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from calosim_tf.config import AnyExperiment, Experiment, TaughtTraining
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import DataError
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.run_folder import RunFolder


@dataclass(frozen=True)
class TrainingPart:
    """One generator and critic, the showers they train on and their run folder."""

    experiment: Experiment
    source: ShowerSource
    run: RunFolder


def parts(experiment: AnyExperiment, source: ShowerSource, run: RunFolder) -> list[TrainingPart]:
    """What there is to train, in order.

    The held-out showers of a member are those of the whole in its range, so that the judgement on the whole meets no
    shower that any member was trained on.

    Raises
    ------
    DataError
        A member's range holds no event, or a single energy.
    """
    if not experiment.members:
        return [TrainingPart(experiment, source, run)]
    found = []
    for member in experiment.members:
        own = experiment.experiment(member)
        try:
            part = source.within(own.data.energy_min_mev, own.data.energy_max_mev)
        except DataError as error:
            raise DataError(f"{own.name} (members.{member.name}.energy_min_mev and _max_mev): {error}") from error
        found.append(TrainingPart(own, part, run.member(member.name)))
    return found


def prepare(experiment: AnyExperiment, source: ShowerSource, run: RunFolder, *, resume: bool, force: bool) -> None:
    """Make the run folder, and those of the members, or check that they may go on (:meth:`RunFolder.prepare`).

    A run that was stopped while its folders were made is completed by ``resume``.
    """
    run.refuse_early(resume=resume, force=force)
    found = parts(experiment, source, run)
    for part in found:
        _require_both(part)
    # what cannot be trained is refused before anything is written
    for part in found:
        try:
            fit_normalisation(part.experiment, part.source)
        except DataError as error:
            raise DataError(f"{part.experiment.name}: {error}") from error
    teachers = [_teacher(part, checked=resume and not force) for part in found]
    if experiment.members:
        run.prepare(experiment, source, resume=resume, force=force)
    for part, teacher in zip(found, teachers, strict=True):
        part.run.prepare(part.experiment, part.source, resume=resume, force=force, teacher=teacher)


def _require_both(part: TrainingPart) -> None:
    """Raise :class:`DataError` unless there are showers to train on and to judge by."""
    train, held_out = len(part.source.train_rows), len(part.source.holdout_rows)
    if not (train and held_out):
        fraction = part.experiment.data.holdout_fraction
        raise DataError(
            f"{part.experiment.name}: data.holdout_fraction {fraction:g} of {train + held_out} showers leaves {train} "
            f"to train on and {held_out} to judge by, expected at least 1 of each: give more showers, or another part"
        )


def _teacher(part: TrainingPart, checked: bool) -> dict[str, Any] | None:
    """Record of the teacher of a network; ``checked``: it has to be the one that a run was begun with."""
    if not isinstance(part.experiment.training, TaughtTraining):
        return None
    # slow to import, and few runs have one
    from calosim_tf.training.teacher import require_same_teacher, teacher_record

    record = teacher_record(part.experiment)
    if checked and part.run.exists:
        require_same_teacher(part.run, record)
    return record
