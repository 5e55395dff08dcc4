"""Showers of two sets thinned to one distribution of the incident energy, for sets with unequal ones."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.physics.observables.bootstrap import bootstrap_rng
from calosim_tf.physics.observables.energies import group_energies

# Our choice for continuous energies: narrow enough that the response hardly changes inside a range
RANGES = 32


def equal_mix(generated: ShowerSet, reference: ShowerSet) -> tuple[ShowerSet, ShowerSet, str]:
    """Both sets with equal numbers of showers at every incident energy.

    Weights of 0 and 1: what one set has too many of is dropped at random (always the same showers), and so are energies
    that the other set does not have.  Unlike weighted histograms this holds for every metric, whatever it does with a
    shower.  Continuous energies are matched in 32 ranges of equal width in log energy.

    Parameters
    ----------
    generated, reference : ShowerSet

    Returns
    -------
    generated, reference : ShowerSet
        In file order.
    note : str
        What was dropped.

    Raises
    ------
    DataError
        No energy is common to both.
    """
    sets = (generated, reference)
    together = np.concatenate([showers.incident_energy_mev for showers in sets])
    groups = group_energies(together, RANGES)
    rows = [groups.rows(showers.incident_energy_mev, showers.source) for showers in sets]
    sizes = [min(map(len, pair)) for pair in zip(*rows, strict=True)]
    if not any(sizes):
        raise DataError(
            f"{generated.source}: no incident energy in common with {reference.source}: showers cannot be compared"
        )
    kept = []
    for index, (showers, by_energy) in enumerate(zip(sets, rows, strict=True)):
        rng = bootstrap_rng(index, len(showers))
        chosen = [rng.permutation(places)[:size] for places, size in zip(by_energy, sizes, strict=True)]
        kept.append(showers.take(np.sort(np.concatenate(chosen))))
    what = "incident energies" if groups.discrete else "ranges of the incident energy"
    note = (
        f"Reweighted (--reweight): both samples were thinned to equal numbers at each of {np.count_nonzero(sizes)}"
        f" {what}; {len(kept[0])} of {len(generated)} generated and {len(kept[1])} of {len(reference)} reference"
        " showers are left."
    )
    return *kept, note
