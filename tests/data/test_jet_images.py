"""Files of jet images: what is read, what is refused in one line, what the networks see."""

import h5py
import numpy as np
import pytest

from calosim_tf.config import DataConfig, LaganNetwork
from calosim_tf.data.cell_transforms import JetPixelNormalisation
from calosim_tf.data.readers import open_shower_file, read_showers
from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import get_detector

JETS = get_detector("jet_image")


@pytest.fixture
def jets(tmp_path, cells, store):
    """``jets(image=..., signal=...)``: file of six jets with these datasets replaced, or left out for None."""

    def write(**replaced):
        arrays = {**cells("jet_image", 6), **replaced}
        return store(tmp_path / "jets.hdf5", {name: values for name, values in arrays.items() if values is not None})

    return write


def test_pixels_classes_and_no_energy(jets, cells):
    """Breaks when GeV stay GeV, images are turned, or a jet gets an energy of its own."""
    arrays = cells("jet_image", 6)
    found = read_showers(jets(), JETS)
    np.testing.assert_allclose(found.showers_mev.reshape(-1, 25, 25), 1e3 * arrays["image"], rtol=1e-6)
    np.testing.assert_array_equal(found.attributes[:, 0], arrays["signal"])
    np.testing.assert_array_equal(found.incident_energy_mev, 275e3)


def test_the_layout_is_told_from_the_names(jets):
    """Breaks when `data check` needs to be told the detector."""
    with open_shower_file(jets()) as file:
        assert (file.layout, file.n_voxels) == ("jet image HDF5", 625)


def test_some_rows_are_those_rows(jets, cells):
    """Breaks when rows behind the first are read as others, or in another shape."""
    with open_shower_file(jets()) as file:
        expected = 1e3 * cells("jet_image", 6)["image"][2:5].reshape(3, 625)
        np.testing.assert_allclose(file.read(2, 5), expected, rtol=1e-6)


def test_negative_pixels_of_the_spline_are_empty(jets, cells):
    """Breaks when public files, whose images were rotated by a spline, are refused for them."""
    image = cells("jet_image", 6)["image"]
    image[2, 3, 4] = -0.2
    assert read_showers(jets(image=image), JETS).showers_mev.reshape(-1, 25, 25)[2, 3, 4] == 0.0


def broken(image):
    image = image.copy()
    image[1, 2, 3] = np.nan
    return image


MALFORMED = {
    "no class": (lambda a: {"signal": None}, r"no dataset 'signal', found 'image'; expected image and signal"),
    "third class": (lambda a: {"signal": a["signal"] + 1}, r"row 1 of signal is 2, expected 0 \(QCD\) or 1"),
    "other size": (lambda a: {"image": a["image"][:, :24]}, r"image has shape \(6, 24, 25\), expected \(6, 25, 25\)"),
    "cut": (lambda a: {"signal": a["signal"][:4]}, r"6 image but 4 signal"),
    "not a number": (lambda a: {"image": broken(a["image"])}, r"row 1, voxel 53 of image is nan"),
    "MeV": (lambda a: {"image": 1e3 * a["image"]}, r"pixels of a jet add up to 2\.\d+e\+05 \(median\), expected"),
    "100 GeV": (lambda a: {"image": a["image"] / 100}, r"pixels of a jet add up to 2\.\d+ \(median\), expected"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_malformed_files_are_refused_in_one_line(case, jets, cells):
    """Breaks when a file of other units, classes or sizes is trained on, or its error does not name the place."""
    change, words = MALFORMED[case]
    path = jets(**change(cells("jet_image", 6)))
    with pytest.raises(DataError, match=words) as caught:
        load_source([path], JETS)
    assert "\n" not in str(caught.value)


def test_what_the_networks_see(jets):
    """Breaks when pixels are not in 100 GeV, small ones stay, or the condition is not the class."""
    source = load_source([jets()], JETS, holdout_fraction=0.34)
    law = JetPixelNormalisation.of_training(source, DataConfig(layout="jet_image", mask_mev=500.0), LaganNetwork())
    showers = source.read(np.arange(6))
    shown = law.to_network(showers, source.incident_energy_mev)
    assert shown.shape == (6, 25, 25, 1)
    kept = np.where(showers < 500, 0, showers)
    assert 0 < (kept == 0).sum() < kept.size
    np.testing.assert_allclose(shown.reshape(6, -1), kept / 1e5, rtol=1e-6)
    np.testing.assert_allclose(law.to_mev(shown, source.incident_energy_mev), kept, rtol=1e-6)
    np.testing.assert_array_equal(law.label(source.incident_energy_mev, source.attributes)[:, 0], [0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("layout", "values", "words"),
    [
        ("jet_image", {"standardize_conditions": True}, r"data\.standardize_conditions: found true, expected false"),
        ("lhcb", {}, r"data\.layout: found lhcb, whose particles have an incident energy, expected images of jets"),
    ],
)
def test_what_a_class_cannot_be_is_refused(layout, values, words, tmp_path, cells, store):
    """Breaks when a standardised class reaches the table of two vectors, or energies are thrown away silently."""
    path = store(tmp_path / "data.hdf5", cells(layout, 6))
    source = load_source([path], get_detector(layout))
    with pytest.raises(ConfigError, match=words):
        JetPixelNormalisation.of_training(source, DataConfig(layout=layout, **values), LaganNetwork())


def test_files_say_which_way_their_axes_run(tmp_path):
    """Breaks when a written file leaves open where phi begins."""
    from calosim_tf.data.writers import shower_writer

    with shower_writer(tmp_path / "made.hdf5", JETS, 1) as writer:
        writer.append(np.array([275e3]), np.ones((1, 625), "f4"), np.ones((1, 1)))
    with h5py.File(tmp_path / "made.hdf5") as file:
        assert set(file) == {"image", "signal"}
        assert "phi from +1.2 to -1.2" in file.attrs["axes"]
