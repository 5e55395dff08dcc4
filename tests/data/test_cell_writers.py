"""What the writers of LHCb, CaloGAN and 3DGAN write, the readers read back; conversions keep the axes."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from calosim_tf.data.readers import read_showers
from calosim_tf.data.writer import COMPRESSIONS
from calosim_tf.data.writers import WRITERS, shower_writer
from calosim_tf.data_prep.convert import convert
from calosim_tf.errors import DataError
from calosim_tf.geometry import DETECTORS, get_detector

# Detector -> its arrays; "lhcb_xy" and "lhcb_yx" are runs on files whose axes were set by hand
SOURCES = {
    "lhcb": "lhcb",
    "lhcb_xy": "lhcb",
    "lhcb_yx": "lhcb",
    "calogan": "calogan",
    "calogan_central": "calogan",
    "clic": "ecal",
    "clic_angle": "ecal_angle",
    "ilc": "ilc",
}


def write_all(path, showers, step: int = 3, **options):
    with shower_writer(path, showers.detector, len(showers), **options) as writer:
        for start in range(0, len(showers), step):
            rows = slice(start, start + step)
            writer.append(showers.incident_energy_mev[rows], showers.showers_mev[rows], showers.attributes[rows])
    return path


def datasets(file):
    """Those of a file and of its groups, by name."""
    found = {}
    file.visititems(lambda name, item: found.update({name: item}) if isinstance(item, h5py.Dataset) else None)
    return found


@pytest.fixture
def given(cells, store, tmp_path):
    """``given(detector name, events)``: showers read from a file of its layout."""

    def showers(name, events):
        path = store(tmp_path / "given.hdf5", cells(SOURCES[name], events))
        return read_showers(path, get_detector(name))

    return showers


def test_every_layout_has_a_writer():
    """Breaks if ``generate`` fails after the generation, for want of a writer."""
    assert {detector.file_layout for detector in DETECTORS.values()} == set(WRITERS)


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("name", SOURCES)
def test_written_showers_are_read_back(given, tmp_path, name, compression):
    """Breaks if a cell, an energy or an angle is written at another place or in another unit than it is read."""
    showers = given(name, 4 if name.startswith(("clic", "ilc")) else 20)
    path = write_all(
        tmp_path / "out.hdf5", showers, compression=compression, attributes={"source": "made, iteration 3"}
    )
    back = read_showers(path, showers.detector)
    np.testing.assert_allclose(back.showers_mev, showers.showers_mev, rtol=3e-7)
    np.testing.assert_allclose(back.incident_energy_mev, showers.incident_energy_mev, rtol=2e-7)
    # momenta are float32: angles come back within 2e-7 rad, positions exactly
    np.testing.assert_allclose(back.attributes, showers.attributes, rtol=1e-6, atol=1e-6)
    assert back.source == "made, iteration 3"
    with h5py.File(path) as file:
        found = datasets(file)
        assert {dataset.compression for dataset in found.values()} == {None if compression == "none" else "gzip"}
        assert {dataset.dtype for name, dataset in found.items() if name != "ParticlePDG"} == {np.dtype("f4")}
        assert all("units" in dataset.attrs for dataset in found.values())


def test_calogan_momenta_by_hand(tmp_path):
    """Breaks if the momentum is the kinetic energy: 1 MeV kinetic is sqrt(1 + 2 * 0.511) = 1.4220 MeV/c."""
    detector = get_detector("calogan")
    showers = np.full((2, 504), 1.0 / 504, dtype="f4")
    attributes = np.array([[np.pi / 2, 0.0, 1.0, 2.0], [np.pi / 3, np.pi / 6, 0.0, 0.0]])
    with shower_writer(tmp_path / "a.hdf5", detector, 2) as writer:
        writer.append(np.array([1.0, 1.0]), showers, attributes)
    with h5py.File(tmp_path / "a.hdf5") as file:
        momenta = 1e3 * np.concatenate([file[name] for name in ("px", "py", "pz")], axis=1)
        assert file["overflow"][()].tolist() == [[0.0] * 3] * 2
        np.testing.assert_allclose(file["energy"][:, 0], 1e-3, rtol=1e-6)
    # p_y = p cos 60 deg; across p sin 60 deg, 30 deg from z towards -x
    across = 1.42197 * np.sqrt(3) / 2
    expected = [[0.0, 0.0, 1.42197], [-across / 2, 1.42197 / 2, across * np.sqrt(3) / 2]]
    np.testing.assert_allclose(momenta, expected, rtol=1e-5, atol=1e-9)


def test_lhcb_pictures_are_written_with_rows_of_y(given, tmp_path):
    """Breaks if plain h5py finds x along the rows, or the file does not say what its axes count."""
    showers = given("lhcb", 5)
    path = write_all(tmp_path / "out.hdf5", showers)
    with h5py.File(path) as file:
        assert file.attrs["axes"] == "yx"
        for y, x in ((0, 0), (3, 17), (29, 1)):
            np.testing.assert_array_equal(file["EnergyDeposit"][:, y, x, 0], showers.showers_mev[:, 30 * y + x])


@pytest.mark.parametrize("name", ["lhcb", "calogan", "clic"])
def test_one_flipped_byte_is_noticed(given, tmp_path, name):
    """Breaks if uncompressed cells are stored without a checksum: a changed energy would go unnoticed."""
    path = write_all(tmp_path / "out.hdf5", given(name, 4), compression="none")
    dataset = {"lhcb": "EnergyDeposit", "calogan": "layer_1", "clic": "ECAL"}[name]
    with h5py.File(path) as file:
        chunk = file[dataset].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot be read|damaged"):
        read_showers(path, get_detector(name))


def test_a_cell_writer_that_fails_leaves_nothing(given, tmp_path):
    """Breaks if an interrupted generation leaves a file that looks finished."""
    showers = given("calogan", 5)
    with (
        pytest.raises(ValueError, match="5 showers appended, 6 announced"),
        shower_writer(tmp_path / "out.hdf5", showers.detector, 6) as writer,
    ):
        writer.append(showers.incident_energy_mev, showers.showers_mev, showers.attributes)
    assert [entry.name for entry in tmp_path.iterdir()] == ["given.hdf5"]


@pytest.mark.parametrize("said", [True, False], ids=["said", "told by the showers"])
@pytest.mark.parametrize("axes", ["yx", "xy"])
def test_conversion_keeps_the_axes(cells, store, tmp_path, axes, said):
    """Breaks if the axes of a converted file have to be guessed again: its first rows alone could no longer tell."""
    arrays = cells("lhcb", 150)
    pictures = arrays["EnergyDeposit"]
    arrays["EnergyDeposit"] = pictures if axes == "yx" else pictures.transpose(0, 2, 1, 3)
    words = {"axes": np.array(axes)} if said else {}
    words["description"] = np.array(["EGSnrc", "test"])
    first = store(tmp_path / "a.npz", arrays | words)
    convert([first], "lhcb", tmp_path / "b.hdf5")
    convert([tmp_path / "b.hdf5"], "lhcb", tmp_path / "c.npz")
    with h5py.File(tmp_path / "b.hdf5") as file:
        assert dict(file.attrs) == {"axes": axes, "generator": "EGSnrc test"}
    with np.load(tmp_path / "c.npz") as archive:
        assert str(archive["axes"]) == axes
        for name, array in arrays.items():
            np.testing.assert_array_equal(archive[name], array)
    for name in ("a.npz", "b.hdf5", "c.npz"):
        back = read_showers(tmp_path / name, get_detector("lhcb"))
        np.testing.assert_array_equal(back.showers_mev, pictures.reshape(150, 900))
        assert back.source == "EGSnrc sample"


def test_conversion_does_not_invent_axes(cells, store, tmp_path):
    """Breaks if the default for files that cannot tell is written down as if it were known."""
    convert([store(tmp_path / "a.npz", cells("lhcb", 4))], "lhcb", tmp_path / "b.hdf5")
    with h5py.File(tmp_path / "b.hdf5") as file:
        assert "axes" not in file.attrs
