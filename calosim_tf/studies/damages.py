"""Six known ways to damage Monte-Carlo showers, to see which metric notices which."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import CellLayer
from calosim_tf.physics.observables.energies import group_energies
from calosim_tf.studies.displacement import move_showers

ENERGY_SCALE = 1.02
SMEAR_MM = 2.0  # rings: about the width of the innermost ones
SMEAR_CELLS = 0.2  # rectangular cells: of their size
DISPLACEMENTS = 64  # random ones, shared out over the showers
KEPT_FRACTION = 0.1


@dataclass(frozen=True)
class Damage:
    """A way to damage showers.

    Attributes
    ----------
    name : str
        Lower snake case.
    about : str
        What is done, in words.
    function : callable
        ``function(showers, training, rng) -> showers`` with as many showers of the same energies; ``training`` are
        showers that the generator might have seen.
    """

    name: str
    about: str
    function: Callable[[ShowerSet, ShowerSet, np.random.Generator], ShowerSet]


def scale_energy(showers: ShowerSet, _: ShowerSet, __: np.random.Generator) -> ShowerSet:
    """All voxels times 1.02."""
    return _with(showers, showers.showers_mev * np.float32(ENERGY_SCALE))


def smear_centre(showers: ShowerSet, _: ShowerSet, rng: np.random.Generator) -> ShowerSet:
    """Every shower moved sideways by a normal random displacement."""
    first = showers.detector.layers[0]
    sigma = SMEAR_CELLS * first.column_mm if isinstance(first, CellLayer) else SMEAR_MM
    displacements = rng.normal(0.0, sigma, (DISPLACEMENTS, 2))
    choice = rng.integers(DISPLACEMENTS, size=len(showers))
    return _with(showers, move_showers(showers.showers_mev, showers.detector, displacements, choice))


def drop_layer(showers: ShowerSet, _: ShowerSet, __: np.random.Generator) -> ShowerSet:
    """The layer with the least energy set to 0: the one whose loss the total energy shows least."""
    spoilt = showers.showers_mev.copy()
    slices = showers.detector.layer_slices
    energy = {layer_id: float(spoilt[:, voxels].sum()) for layer_id, voxels in slices.items()}
    spoilt[:, slices[min(energy, key=energy.get)]] = 0.0
    return _with(showers, spoilt)


def collapse(showers: ShowerSet, _: ShowerSet, rng: np.random.Generator) -> ShowerSet:
    """A tenth of the showers of each incident energy (or range of energies), repeated to the same number."""
    rows = np.empty(len(showers), dtype=np.int64)
    for same in group_energies(showers.incident_energy_mev).rows(showers.incident_energy_mev):
        kept = rng.permutation(same)[: max(1, round(KEPT_FRACTION * len(same)))]
        rows[same] = np.resize(kept, len(same))
    return showers.take(rows)


def permute_cells(showers: ShowerSet, _: ShowerSet, rng: np.random.Generator) -> ShowerSet:
    """The voxels of the layer with the most energy exchanged, the same way in every shower."""
    spoilt = showers.showers_mev.copy()
    slices = showers.detector.layer_slices
    voxels = max(slices.values(), key=lambda part: float(spoilt[:, part].sum()))
    spoilt[:, voxels] = spoilt[:, voxels][:, rng.permutation(voxels.stop - voxels.start)]
    return _with(showers, spoilt)


def memorise(showers: ShowerSet, training: ShowerSet, rng: np.random.Generator) -> ShowerSet:
    """Exact copies of training showers of the same incident energies (or ranges), each at most once if they suffice.

    Repetitions would also be a mode collapse: less diverse than Monte Carlo.
    """
    groups = group_energies(showers.incident_energy_mev)
    known = groups.rows(training.incident_energy_mev)
    rows = np.empty(len(showers), dtype=np.int64)
    for same, candidates in zip(groups.rows(showers.incident_energy_mev), known, strict=True):
        rows[same] = np.resize(rng.permutation(candidates), len(same))
    return training.take(rows)


DAMAGES = (
    Damage("energy_scale", "all energies 2 % higher", scale_energy),
    Damage(
        "smeared_centre",
        "each shower moved sideways at random, by 2 mm or a fifth of a cell (standard deviation)",
        smear_centre,
    ),
    Damage("dropped_layer", "the layer with the least energy set to 0", drop_layer),
    Damage("mode_collapse", "a tenth of the showers, each ten times", collapse),
    Damage("permuted_cells", "cells of the layer with the most energy exchanged, always the same way", permute_cells),
    Damage("memorised_copies", "exact copies of training showers, each at most once", memorise),
)


def _with(showers: ShowerSet, showers_mev: np.ndarray) -> ShowerSet:
    return replace(showers, showers_mev=showers_mev)
