"""ROOT files, written by uproot: flat trees become files that are trained on, others are one line."""

from __future__ import annotations

import sys

import awkward
import numpy as np
import pytest
import uproot

from calosim_tf.data.readers import read_showers
from calosim_tf.data_prep.convert import convert
from calosim_tf.errors import CalosimError, ConfigError, DataError
from calosim_tf.geometry import PHOTON, get_detector


def write_tree(path, columns, name="events", more=()):
    """A TTree with these columns: numbers, arrays of fixed size, lists; and empty trees ``more``."""
    with uproot.recreate(path) as file:
        kinds = {
            key: "var * float32" if isinstance(value, list) else (value.dtype, value.shape[1:])
            for key, value in columns.items()
        }
        file.mktree(name, kinds)
        file[name].extend(
            {key: awkward.Array(value) if isinstance(value, list) else value for key, value in columns.items()}
        )
        for other in more:
            file.mktree(other, {"run": "i4"})
    return path


@pytest.fixture
def photons(photon_showers):
    """40 energies and showers, float32."""
    return photon_showers[0][:40].astype("f4"), photon_showers[1][:40].astype("f4")


@pytest.mark.parametrize("form", ["array", "vector", "RNTuple"])
def test_a_flat_tree_becomes_the_same_showers(tmp_path, photons, form, monkeypatch):
    """Breaks if events or cells change their order between blocks, or a way of storing the cells is not read."""
    monkeypatch.setattr("calosim_tf.data_prep.convert_root.BLOCK_SIZE", 7)
    energies, showers = photons
    columns = {"e_true": energies, "showers": showers.tolist() if form == "vector" else showers}
    columns["run"] = np.arange(len(energies), dtype="i4")
    path = tmp_path / "a.root"
    if form == "RNTuple":
        with uproot.recreate(path) as file:
            file.mkrntuple("events", columns)
    else:
        write_tree(path, columns)
    done = convert([path], "photon", tmp_path / "a.hdf5", keys=[("incident_energies", "e_true")])
    assert done.events == len(energies)
    assert any("run" in note for note in done.notes)
    found = read_showers(tmp_path / "a.hdf5", PHOTON)
    np.testing.assert_array_equal(found.showers_mev, showers)
    np.testing.assert_array_equal(found.incident_energy_mev, energies)


@pytest.mark.parametrize("layout", ["lhcb", "calogan", "clic"])
def test_other_layouts_are_converted_under_their_names(tmp_path, cells, layout):
    """Breaks if only the CaloChallenge layout is written, or several dimensions are lost."""
    detector = get_detector(layout)
    arrays = cells(detector.file_layout, 12)
    convert([write_tree(tmp_path / "a.root", arrays)], layout, tmp_path / "a.hdf5")
    found = read_showers(tmp_path / "a.hdf5", detector)
    assert len(found.showers_mev) == 12
    assert found.attributes.shape == (12, len(detector.attributes))


def jagged(showers):
    return [row[: 368 - number % 2].tolist() for number, row in enumerate(showers)]


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        ({"showers": jagged}, {}, "branch 'showers' holds lists of .*367.* to .*368.*, expected the same number"),
        ({"showers": lambda v: v[:, :100]}, {}, "100 voxels per shower, expected 368"),
        ({"showers": lambda v: v / 1000}, {}, "showers are in GeV"),
        ({}, {"keys": [("showers", "cells")]}, "no branch 'cells' for showers, found incident_energies, showers"),
        ({}, {"keys": [("voxels", "showers")]}, "found 'voxels', expected datasets of the layout"),
        ({}, {"tree": "absent"}, "found the trees events, expected one of them: --tree NAME"),
    ],
)
def test_what_does_not_fit_is_one_line_that_names_the_root_file(tmp_path, photons, change, options, words):
    """Breaks if a branch that is not flat or in other units is written, a file is left, or the line names that file."""
    columns = dict(zip(("incident_energies", "showers"), photons, strict=True))
    columns |= {name: make(columns[name]) for name, make in change.items()}
    path = write_tree(tmp_path / "a.root", columns)
    with pytest.raises(CalosimError, match=words) as caught:
        convert([path], "photon", tmp_path / "a.hdf5", **options)
    assert "\n" not in str(caught.value)
    assert "partial" not in str(caught.value)
    assert [item.name for item in tmp_path.iterdir()] == ["a.root"]


def test_several_trees_are_listed(tmp_path, photons):
    """Breaks if the first of several trees is taken without a word."""
    columns = dict(zip(("incident_energies", "showers"), photons, strict=True))
    path = write_tree(tmp_path / "a.root", columns, more=("runs",))
    with pytest.raises(ConfigError, match="found the trees events, runs, expected one of them: --tree NAME"):
        convert([path], "photon", tmp_path / "a.hdf5")
    assert convert([path], "photon", tmp_path / "a.hdf5", tree="events").events == len(photons[0])


@pytest.mark.slow
def test_damaged_files_never_escape_as_other_errors(tmp_path, photons):
    """Breaks if a broken ROOT file raises what the command line would show as a traceback."""
    columns = dict(zip(("incident_energies", "showers"), photons, strict=True))
    sound = write_tree(tmp_path / "a.root", columns).read_bytes()
    rng, path = np.random.default_rng(0), tmp_path / "b.root"
    refusals = []
    for _ in range(40):
        content = bytearray(sound[: rng.integers(1, len(sound))] if rng.random() < 0.5 else sound)
        for position in rng.integers(0, len(content), 6):
            content[position] = rng.integers(0, 256)
        path.write_bytes(content)
        try:
            convert([path], "photon", tmp_path / "b.hdf5", overwrite=True)
        except CalosimError as error:
            refusals.append(str(error))
    # the others are as sound as before where it counts: a byte of a title, or of an energy
    assert len(refusals) >= 20
    assert all(str(path) in words and "\n" not in words for words in refusals)
    assert not list(tmp_path.glob("*partial*"))


def test_a_root_file_is_named_and_uproot_asked_for(tmp_path, monkeypatch):
    """Breaks if a ROOT file is said to be a damaged download, or a missing uproot is a traceback."""
    path = tmp_path / "a.root"
    path.write_bytes(b"root" + bytes(60))
    with pytest.raises(DataError, match="is a ROOT file, expected HDF5; convert it with `calosim data convert"):
        read_showers(path, PHOTON)
    monkeypatch.setitem(sys.modules, "uproot", None)
    with pytest.raises(ConfigError, match=r"pip install 'calosim-tf\[root\]'"):
        convert([path], "photon", tmp_path / "a.hdf5")
