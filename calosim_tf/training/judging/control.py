"""Monte Carlo that a verdict is compared with: how large it is, and independent showers of the same source."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import ShowerSource
from calosim_tf.physics.observables.energies import MAX_DISCRETE_ENERGIES

# A report on more showers would say the same, more slowly; large showers would not fit into memory
REPORT_EVENTS = 121_000
REPORT_BYTES = 2**30


def report_events(source: ShowerSource) -> int:
    """Showers of a report, per sample."""
    return min(REPORT_EVENTS, REPORT_BYTES // (source.detector.n_voxels * np.dtype(np.float32).itemsize))


def matching_control(source: ShowerSource, reference: ShowerSet) -> ShowerSet:
    """Training showers, as many per incident energy as ``reference`` has: an independent sample of the same source.

    Continuous energies are matched in number and spread evenly over the spectrum instead.
    """
    distinct = np.unique(reference.incident_energy_mev)
    if len(distinct) > MAX_DISCRETE_ENERGIES:
        return source.train_set(len(reference))
    candidates = source.train_set(report_events(source) * 8)
    rows = []
    for energy, wanted in zip(*np.unique(reference.incident_energy_mev, return_counts=True), strict=True):
        rows.append(np.flatnonzero(candidates.incident_energy_mev == energy)[:wanted])
    return candidates.take(np.sort(np.concatenate(rows)))
