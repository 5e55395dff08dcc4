"""Energies and ranges with too few showers end no evaluation."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.equal_mix import equal_mix
from calosim_tf.physics.observables.energies import group_energies, require_same_mix


def _set(energy, seed=0):
    """Showers whose energy is spread evenly over the voxels, with a response 10 % wide."""
    energy = np.asarray(energy, dtype=np.float64)
    response = np.random.default_rng(seed).normal(0.9, 0.09, len(energy))
    showers = np.repeat((energy * response / 368)[:, None], 368, axis=1).astype(np.float32)
    return ShowerSet(energy, showers, PHOTON, f"set {seed}")


def _measured(generated, reference):
    comparison = compare(generated, reference, halved=True)
    return comparison, make_baseline(comparison, None)


def test_few_showers_of_a_spectrum_are_compared():
    """Breaks if up to 64 energies count as discrete, so that two sets of 40 have none in common."""
    rng = np.random.default_rng(3)
    generated, reference = (_set(rng.uniform(1e3, 1e5, 40), seed) for seed in (1, 2))
    _measured(generated, reference)
    thinned = equal_mix(generated, reference)
    assert len(thinned[0]) == len(thinned[1]) > 5
    _measured(*thinned[:2])


def test_a_lone_shower_in_the_tail_of_a_beam_stops_nothing():
    """Breaks if a range with one shower, or an energy with one, cannot be halved."""
    beam = 16384 - np.random.default_rng(0).exponential(0.5, 200)
    beam[0] = 16300
    comparison, baseline = _measured(_set(beam), _set(beam, 1))
    assert "joined" in comparison.notes[0]
    assert sum(len(one.reference) for one in comparison.by_energy) == 200
    assert len(baseline.comparison.generated) == 100
    listed = np.append(np.repeat([256.0, 512.0], 30), 1024.0)
    comparison, baseline = _measured(_set(listed), _set(listed, 1))
    assert comparison.notes == ("Left out, with a single reference shower each: 1024 MeV.",)
    assert (len(comparison.generated), len(comparison.reference)) == (60, 60)


def test_ranges_that_one_set_lacks_are_joined_only_where_chance_leaves_them_empty():
    """Breaks if joining hides that a generator makes no showers of high energy."""
    rng = np.random.default_rng(4)
    reference, low = rng.uniform(1e3, 1e5, 2000), rng.uniform(1e3, 5e4, 2000)
    with pytest.raises(DataError, match=r"no showers at .* MeV where the reference has some"):
        require_same_mix(group_energies(reference), reference, low, "generated")
    assert len(compare(_set(rng.uniform(1e3, 1e5, 2000)), _set(reference, 1), halved=True).reference.groups) == 8


def test_one_shower_is_one_line():
    """Breaks if a single shower ends in a traceback."""
    with pytest.raises(DataError, match="a single shower at an incident energy cannot be halved"):
        _measured(_set([256.0]), _set([256.0], 1))
