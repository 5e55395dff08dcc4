"""Thinning to one distribution of the incident energy, and the error that suggests it."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.equal_mix import equal_mix


def test_unequal_energies_are_refused_with_the_way_out_and_thinned_by_it(make_showers):
    """Breaks if a mixture is compared silently, or thinning changes a shower or keeps an energy of one set only."""
    reference = make_showers(1, energies=(1024.0, 4096.0, 16384.0))
    generated = make_showers(2, per_energy=120, energies=(1024.0, 4096.0, 65536.0))
    generated = generated.take(np.flatnonzero((generated.incident_energy_mev > 2000) | (np.arange(360) % 2 == 0)))
    with pytest.raises(DataError, match="--reweight"):
        compare(generated, reference)
    thinned, other, note = equal_mix(generated, reference)
    for showers, whole in ((thinned, generated), (other, reference)):
        energies, counts = np.unique(showers.incident_energy_mev, return_counts=True)
        assert energies.tolist() == [1024.0, 4096.0]
        assert counts.tolist() == [60, 80]
        assert {row.tobytes() for row in showers.showers_mev} <= {row.tobytes() for row in whole.showers_mev}
    assert "140 of 300 generated and 140 of 240 reference" in note
    assert len(compare(thinned, other).generated) == 140


def test_energies_without_overlap_are_refused(make_showers):
    with pytest.raises(DataError, match="no incident energy in common"):
        equal_mix(make_showers(1, energies=(1024.0,)), make_showers(2, energies=(4096.0,)))
