"""Checks of detectors of cells, with a run folder and a source that are made up."""

from __future__ import annotations

import numpy as np

from calosim_tf.checks import calogan
from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.distances.nearest_neighbours import BLOCK, BLOCK_NUMBERS

CLIC = get_detector("clic")


def test_training_showers_of_many_cells_come_in_small_blocks(monkeypatch):
    """Breaks if 1024 showers of 15 625 cells are held in double precision at once, several times over."""
    sizes = []

    class Source:
        train_rows = np.arange(600)
        incident_energy_mev = np.full(600, 1e4)

        def holdout_set(self, events):
            energy = np.full(4, 1e4)
            return ShowerSet(energy, np.ones((4, CLIC.n_voxels), np.float32), CLIC, "held out")

        def read(self, rows):
            sizes.append(len(rows))
            return np.full((len(rows), CLIC.n_voxels), 2.0, np.float32)

    class Generator:
        def blocks(self, energy, seed, attributes):
            yield np.ones((len(energy), CLIC.n_voxels), np.float32)

    monkeypatch.setattr("calosim_tf.training.inspection.recorded_data.training_source", lambda folder: Source())
    showers = Source().holdout_set(4)
    found = calogan._memorisation(calogan.Subject(showers, showers, "a run", Generator(), 0))
    assert sum(sizes) == found.numbers["memorisation"]["n_training"] == 600
    assert max(sizes) == BLOCK_NUMBERS // CLIC.n_voxels < BLOCK
