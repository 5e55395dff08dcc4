"""Reports of showers that stay in their files: the numbers of showers in memory, and few passes over the files."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data import streamed
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import read_showers
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.metric import measure

SHOWERS = 600
# A metric that looks at each range of energies would read each shower once more for all, its half and equal numbers
SPECTRA = ("separation_voxel_energy", "lateral_profile_difference", "occupancy_difference")


@pytest.fixture(scope="module")
def pair(tmp_path_factory, store):
    """Two files of bundled photons, whose energies are spread so that they are a continuous spectrum."""
    bundled = read_showers(bundled_sample("photon"), PHOTON)
    rng = np.random.default_rng(3)
    paths = []
    for number in range(2):
        rows = rng.permutation(len(bundled))[:SHOWERS]
        scale = rng.uniform(0.7, 1.3, SHOWERS)
        arrays = {
            "incident_energies": (bundled.incident_energy_mev[rows] * scale)[:, None],
            "showers": (bundled.showers_mev[rows] * scale[:, None]).astype(np.float32),
        }
        paths.append(store(tmp_path_factory.mktemp("pair") / f"{number}.hdf5", arrays))
    return paths


def measured(sets, names=None):
    comparison = compare(*sets, halved=True)
    return measure([METRICS[name] for name in names or METRICS], comparison, make_baseline(comparison, None))


@pytest.fixture
def streamed_pair(pair, monkeypatch):
    monkeypatch.setattr(streamed, "MEMORY_BYTES", 1000)
    monkeypatch.setattr(streamed, "READ_ROWS", 100)
    return [streamed.read_or_stream(path, PHOTON) for path in pair]


@pytest.mark.slow
def test_numbers_do_not_depend_on_where_the_showers_are(pair, streamed_pair):
    """Breaks if a metric takes other rows, or in another order, from a file than from memory."""
    assert all(isinstance(one.showers_mev, streamed.StreamedShowers) for one in streamed_pair)
    in_memory, on_disk = measured([read_showers(path, PHOTON) for path in pair]), measured(streamed_pair)
    assert len(on_disk.per_energy) > 3
    assert on_disk.overall == in_memory.overall
    assert on_disk.per_energy == in_memory.per_energy


def test_each_range_of_energies_is_no_pass_of_its_own(streamed_pair, monkeypatch):
    """Breaks if the ranges of a spectrum are read one by one: each reads all blocks of the file, as they are mixed."""
    comparison = compare(*streamed_pair, halved=True)
    baseline = make_baseline(comparison, None)
    read = []
    file = type(streamed_pair[0].showers_mev._files[0])
    original = file.read
    monkeypatch.setattr(
        file, "read", lambda self, start, stop: read.append(stop - start) or original(self, start, stop)
    )
    measure([METRICS[name] for name in SPECTRA], comparison, baseline)
    # two sets, once for the spectra and once for the sums over rings
    assert sum(read) == 2 * 2 * SHOWERS
