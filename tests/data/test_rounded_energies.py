"""Files whose energies other programs have rounded, alone and beside exact ones."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.checks import check_report
from calosim_tf.data.readers import read_incident_particles, read_showers
from calosim_tf.data.source import load_source
from calosim_tf.geometry import PHOTON


def test_rounded_energies_are_read_as_the_energies_of_the_file(write, few_showers):
    """Breaks if a reader, the check, the selection of a range or generate --like sees each rounding as an energy."""
    incident = few_showers[0].astype(np.float64)[:, None]
    distinct = np.unique(incident)
    rounded = incident.copy()
    rounded[incident[:, 0] == distinct[-1]] *= 1 + 2.4e-7
    rounded[::2] *= 1 + 2.4e-7
    paths = [write(incident=incident, name="exact.hdf5"), write(incident=rounded, name="rounded.hdf5")]
    assert len(check_report(paths, PHOTON)["per_energy"]) == len(distinct)
    assert len(np.unique(read_showers(paths, PHOTON).incident_energy_mev)) == len(distinct)
    assert len(np.unique(read_incident_particles(paths[1])[0])) == len(distinct)
    source = load_source(paths, PHOTON, energy_max_mev=float(distinct[-1]))
    assert len(source) == 2 * len(incident)
    assert len(np.unique(source.incident_energy_mev)) == len(distinct)
