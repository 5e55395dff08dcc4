"""Whether a plan can be run: experiments, settings, data files and their layouts, gaps and overlaps (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from calosim_tf.api.own_voxels import binning_values
from calosim_tf.api.training import configured
from calosim_tf.config import AnyExperiment
from calosim_tf.data.readers import close_showers, open_showers
from calosim_tf.errors import ConfigError, InputError
from calosim_tf.fleet.coverage import FleetSlice, gaps, overlaps, slices
from calosim_tf.fleet.plan import FleetMember, FleetPlan
from calosim_tf.geometry import get_detector

# Named in a message; the rest is counted
MOST_NAMED = 3


def check_plan(plan: FleetPlan, allow_gaps: bool = False) -> list[FleetSlice]:
    """Slices of a plan that can be run.

    Parameters
    ----------
    plan : FleetPlan
    allow_gaps : bool
        Take a plan that leaves out slices or energies.

    Raises
    ------
    InputError
        An unknown experiment or setting, a file that is missing or of another layout, a gap, an overlap, or members of
        one slice with other voxels.
    """
    experiments = {member.name: experiment_of(member, Path(member.name)) for member in plan.members}
    found = slices(plan.members)
    _refuse(plan, "an overlap", overlaps(found), "correct eta_min, eta_max or the energies")
    if not allow_gaps:
        _refuse(plan, "a gap", gaps(found), "add the members, or pass --allow-gaps")
    for item in found:
        layouts = sorted({experiments[member.name].data.layout for member in item.members})
        if len(layouts) > 1:
            raise ConfigError(f"{plan.path}: found {' and '.join(layouts)} for {item.words}, expected one layout")
    for member in plan.members:
        _check_data(member, experiments[member.name])
    return found


def experiment_of(member: FleetMember, run: Path) -> AnyExperiment:
    """Experiment of a member with its settings, to be trained in the folder ``run``.

    Raises
    ------
    ConfigError
        An unknown experiment, key or value; the message names the row of the plan.
    """
    try:
        values = {**member.values, "run.out": str(run)}
        if member.binning is not None:
            if not member.data:
                raise ConfigError("binning: found it without data, expected showers in these voxels: name the files")
            values |= binning_values(member.experiment, member.binning, values)
        return configured(member.experiment, values)
    except InputError as error:
        raise type(error)(f"{member.where} ({member.name}): {error}") from error


def _check_data(member: FleetMember, experiment: AnyExperiment) -> None:
    if not member.data:
        return
    data = experiment.data
    try:
        close_showers(open_showers(member.data, get_detector(data.layout, data.keys)))
    except InputError as error:
        raise type(error)(f"{member.where} ({member.name}): {error}") from error


def _refuse(plan: FleetPlan, what: str, words: Iterable[str], advice: str) -> None:
    listed = list(words)
    if listed:
        more = f" and {len(listed) - MOST_NAMED} more" if len(listed) > MOST_NAMED else ""
        raise ConfigError(f"{plan.path}: found {what}: {'; '.join(listed[:MOST_NAMED])}{more}: {advice}")
