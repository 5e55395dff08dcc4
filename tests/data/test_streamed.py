"""Showers that stay in their files are the same showers."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data import streamed
from calosim_tf.data.readers import read_showers
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.observables.features import shower_features


@pytest.fixture(scope="module")
def both(tmp_path_factory, photon_showers, store):
    """The same two files in memory and streamed."""
    incident, showers = photon_showers
    paths = []
    for index, rows in enumerate((slice(0, 700), slice(700, None))):
        arrays = {"incident_energies": incident[rows, None], "showers": showers[rows]}
        paths.append(store(tmp_path_factory.mktemp("streamed") / f"{index}.hdf5", arrays))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "MEMORY_BYTES", 1000)
        patch.setattr(streamed, "READ_ROWS", 100)
        yield read_showers(paths, PHOTON), streamed.read_or_stream(paths, PHOTON)


def test_any_rows_in_any_order_are_those_of_the_array(both):
    """Breaks at the seam of two files, for repeated rows, or if a view counts from the wrong shower."""
    in_memory, on_disk = both
    assert isinstance(on_disk.showers_mev, streamed.StreamedShowers)
    rng = np.random.default_rng(1)
    for rows in (slice(650, 750), rng.integers(1210, size=300), rng.random(1210) < 0.1, np.empty(0, dtype=int)):
        np.testing.assert_array_equal(on_disk.showers_mev[rows], in_memory.showers_mev[rows])
    chosen = rng.permutation(1210)[:400]
    part = on_disk.take(chosen)
    assert isinstance(part.showers_mev, streamed.StreamedShowers)
    np.testing.assert_array_equal(part.showers_mev[5:50], in_memory.showers_mev[chosen][5:50])
    np.testing.assert_array_equal(part.incident_energy_mev, in_memory.incident_energy_mev[chosen])


def test_observables_do_not_depend_on_where_the_showers_are(both):
    features = [shower_features(showers) for showers in both]
    np.testing.assert_array_equal(features[0].total_mev, features[1].total_mev)
    for quantity, layers in features[0].per_layer.items():
        for layer_id, values in layers.items():
            np.testing.assert_array_equal(values, features[1].per_layer[quantity][layer_id])


def test_small_files_are_read_into_memory(both, tmp_path, photon_showers, store):
    incident, showers = photon_showers
    path = store(tmp_path / "one.hdf5", {"incident_energies": incident[:50, None], "showers": showers[:50]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "MEMORY_BYTES", 2**29)
        assert isinstance(streamed.read_or_stream(path, PHOTON).showers_mev, np.ndarray)
