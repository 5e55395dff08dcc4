"""Showers for the particles of a reference."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.inference.like import showers_like


class Recorder:
    """Blocks whose voxels hold what was asked for: incident energy, first attribute, seed."""

    def blocks(self, incident_energy_mev, seed, batch=None, attributes=None):
        for rows in np.array_split(np.arange(len(incident_energy_mev)), 2):
            block = np.zeros((len(rows), 900), np.float32)
            block[:, 0], block[:, 1], block[:, 2] = incident_energy_mev[rows], attributes[rows, 0], seed
            yield block


def test_each_shower_has_the_particle_of_its_reference():
    """Breaks if attributes are left to their central values, or blocks or sources are exchanged."""
    detector = get_detector("lhcb")
    energy, attributes = np.linspace(1e3, 5e3, 5), np.arange(25.0).reshape(5, 5)
    reference = ShowerSet(energy, np.ones((5, 900), np.float32), detector, "real", attributes)
    made = showers_like(Recorder(), reference, 7, "run, iteration 3")
    np.testing.assert_array_equal(made.showers_mev[:, :3], np.column_stack([energy, attributes[:, 0], np.full(5, 7)]))
    np.testing.assert_array_equal(made.attributes, attributes)
    assert (made.source, made.detector) == ("run, iteration 3", detector)
    assert reference.showers_mev.min() == 1
