"""Monte Carlo that a verdict is compared with: how large it is, and independent showers of the same source."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import ShowerSource
from calosim_tf.same_energy import listed_energies, same_energy

# A report on more showers would say the same, more slowly; large showers would not fit into memory
REPORT_EVENTS = 121_000
REPORT_BYTES = 2**30


def report_events(source: ShowerSource) -> int:
    """Showers of a report, per sample."""
    return min(REPORT_EVENTS, REPORT_BYTES // (source.detector.n_voxels * np.dtype(np.float32).itemsize))


def matching_control(source: ShowerSource, reference: ShowerSet) -> tuple[ShowerSet, ShowerSet]:
    """The reference, and as many training showers per incident energy: an independent sample of the same source.

    Energies that no training shower has are left out of the reference.  Continuous energies are matched in number and
    spread evenly over the spectrum instead.
    """
    if listed_energies(reference.incident_energy_mev) is None:
        return reference, source.train_set(len(reference))
    candidates = source.train_set(report_events(source) * 8)
    rows, trained = [], np.zeros(len(reference), dtype=bool)
    for energy in np.unique(reference.incident_energy_mev):
        wanted = reference.incident_energy_mev == energy
        rows.append(np.flatnonzero(same_energy(candidates.incident_energy_mev, energy))[: wanted.sum()])
        trained |= wanted & (len(rows[-1]) > 0)
    return reference.take(np.flatnonzero(trained)), candidates.take(np.sort(np.concatenate(rows)))
