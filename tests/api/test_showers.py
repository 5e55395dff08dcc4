"""``open_showers`` and ``Showers``: every layout, read in parts, and written again."""

from __future__ import annotations

import numpy as np
import pytest

import calosim_tf
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.readers import read_showers
from calosim_tf.data.streamed import StreamedShowers
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import get_detector


@pytest.mark.parametrize(
    ("layout", "detector", "ending"),
    [
        ("lhcb", "lhcb", "npz"),
        ("lhcb", "lhcb", "hdf5"),
        ("calogan", "calogan", "hdf5"),
        ("ecal", "clic", "hdf5"),
        ("ecal_angle", "clic_angle", "hdf5"),
    ],
)
def test_every_layout_is_read_in_parts(cells, store, tmp_path, layout, detector, ending):
    """Breaks when a detector is not told, a slice reads other showers, or opening reads all of them."""
    path = store(tmp_path / f"f.{ending}", cells(layout, 12))
    expected = read_showers(path, get_detector(detector), physical=False)
    with calosim_tf.open_showers(path) as showers:
        assert showers.detector.name == detector
        assert len(showers) == 12
        chosen = showers[[7, 2]]
        assert isinstance(chosen._voxels, StreamedShowers)
        np.testing.assert_array_equal(chosen.voxels_mev, expected.showers_mev[[7, 2]])
        np.testing.assert_array_equal(showers[3:5].voxels_mev, expected.showers_mev[3:5])
        mask = showers.energies_mev > np.median(showers.energies_mev)
        np.testing.assert_array_equal(showers[mask].voxels_mev, expected.showers_mev[mask])
        np.testing.assert_array_equal(showers.attributes, expected.attributes)
        assert list(showers.conditions) == list(showers.detector.attributes)
        assert isinstance(showers._voxels, StreamedShowers)
        np.testing.assert_allclose(showers.total_energies_mev, expected.showers_mev.sum(axis=1), rtol=1e-5)
        np.testing.assert_array_equal(
            np.concatenate([block.voxels_mev for block in showers.blocks(5)]), expected.showers_mev
        )


@pytest.mark.parametrize(("layout", "ending"), [("lhcb", "npz"), ("calogan", "hdf5")])
def test_what_is_saved_is_read_again(cells, store, tmp_path, layout, ending):
    """Breaks when units, conditions or the order of voxels are lost on the way through a file."""
    showers = calosim_tf.open_showers(store(tmp_path / f"f.{ending}", cells(layout, 9)))
    showers[2:].save(tmp_path / "saved.hdf5")
    again = calosim_tf.open_showers(tmp_path / "saved.hdf5", check=True)
    np.testing.assert_allclose(again.voxels_mev, showers[2:].voxels_mev, rtol=1e-6)
    np.testing.assert_allclose(again.attributes, showers[2:].attributes, rtol=1e-5, atol=1e-5)
    with pytest.raises(ConfigError, match="exists already; give another name or --force"):
        showers.save(tmp_path / "saved.hdf5")
    showers.save(tmp_path / "saved.hdf5", overwrite=True)
    assert len(calosim_tf.open_showers(tmp_path / "saved.hdf5")) == 9


def test_the_bundled_sample_and_several_files():
    """Breaks when the public layout is not told from its voxels, or files are not joined in order."""
    sample = bundled_sample("photon")
    with calosim_tf.open_showers(sample) as showers:
        assert (showers.detector.name, showers.source) == ("photon", "EGSnrc sample")
        assert showers[-1].energies_mev.tolist() == showers.energies_mev[-1:].tolist()
    with pytest.raises(DataError, match="given twice"):
        calosim_tf.open_showers([sample, sample])


def test_a_file_of_no_known_detector(store, tmp_path):
    """Breaks when voxels of another number cannot be read at all, or are taken for those of a detector."""
    arrays = {"incident_energies": np.full((4, 1), 1e3), "showers": np.ones((4, 7))}
    showers = calosim_tf.open_showers(store(tmp_path / "own.hdf5", arrays))
    assert showers.detector is None
    assert showers.voxels_mev.shape == (4, 7)
    with pytest.raises(DataError, match=r"7 voxels are of no known detector.* give detector=NAME"):
        showers.save(tmp_path / "again.hdf5")


@pytest.mark.parametrize(
    ("energies", "voxels", "more", "words"),
    [
        (
            [1.0, 2.0],
            np.ones((3, 368)),
            {},
            r"energies_mev of shape \(2,\) and voxels_mev of shape \(3, 368\)",
        ),
        ([1.0], np.ones((1, 367)), {}, r"expected \(n,\) and \(n, 368\)"),
        ([[1.0]], np.ones((1, 368)), {}, r"energies_mev of shape \(1, 1\)"),
        ([0.0], np.ones((1, 368)), {}, "energies_mev: found 0.0, expected incident energies in MeV, > 0"),
        ([1.0], [["a"]], {}, "voxels_mev: found no array of numbers"),
        ([1.0], np.ones((1, 368)), {"detector": "photons"}, "detector 'photons' is unknown: use one of photon"),
        ([1.0], np.ones((1, 368)), {"conditions": {"theta_rad": [1.0]}}, "found 'theta_rad', expected one of: none"),
    ],
)
def test_own_arrays_have_to_fit(energies, voxels, more, words):
    """Breaks when arrays of another detector or length become showers."""
    with pytest.raises(ConfigError, match=words):
        calosim_tf.Showers(energies, voxels, **{"detector": "photon"} | more)


def test_bad_files_are_one_line(tmp_path):
    """Breaks when a missing or foreign file ends in h5py's words."""
    (tmp_path / "text.hdf5").write_text("no showers")
    for path in (tmp_path / "missing.hdf5", tmp_path / "text.hdf5"):
        with pytest.raises(DataError, match=path.name) as caught:
            calosim_tf.open_showers(path)
        assert "\n" not in str(caught.value)
    with pytest.raises(ConfigError, match="detector 'none' is unknown"):
        calosim_tf.open_showers(bundled_sample("photon"), "none")


def test_a_closed_file_says_so():
    """Breaks when showers of a closed file are read as garbage, or end in h5py's words."""
    with calosim_tf.open_showers(bundled_sample("photon")) as showers:
        pass
    with pytest.raises(DataError, match="EGSnrc sample: the file of these showers is closed"):
        _ = showers[:2].voxels_mev
