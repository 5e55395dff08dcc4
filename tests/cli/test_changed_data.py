"""``train --resume`` on data that are no longer those the run was begun on: one line, wherever the numbers lie."""

from __future__ import annotations

import h5py
import numpy as np
import pytest


def write_data(folder, energies, showers):
    """A plain file, and one whose showers are virtual over two files and whose energies are behind a link."""
    rows = [slice(first, first + 400) for first in (0, 400, 800)]
    with h5py.File(folder / "plain.hdf5", "w") as file:
        file["incident_energies"], file["showers"] = energies[rows[0]], showers[rows[0]]
    with h5py.File(folder / "energies.hdf5", "w") as file:
        file["e"] = energies[400:1200]
    layout = h5py.VirtualLayout((800, showers.shape[1]), dtype="f4")
    for index, part in enumerate(rows[1:]):
        with h5py.File(folder / f"part{index}.hdf5", "w") as file:
            file["showers"] = showers[part]
        layout[400 * index : 400 * (index + 1)] = h5py.VirtualSource(f"part{index}.hdf5", "showers", shape=(400, 368))
    with h5py.File(folder / "virtual.hdf5", "w", libver="latest") as file:
        file.create_virtual_dataset("showers", layout)
        file["incident_energies"] = h5py.ExternalLink("energies.hdf5", "/e")
    return folder / "plain.hdf5", folder / "virtual.hdf5"


@pytest.fixture(scope="module")
def begun(calosim, photon_showers, tmp_path_factory, tiny_settings):
    """Folder of the data, and the arguments that began a run on them."""
    folder = tmp_path_factory.mktemp("begun")
    energies, showers = (values.astype(np.float32) for values in photon_showers)
    data = write_data(folder, energies[:, None], showers)
    arguments = ["train", "photon", "--data", *data, "--out", folder / "run", "--no-report", *tiny_settings]
    process = calosim(*arguments, "--iterations", 2)
    assert process.returncode == 0, process.stderr
    return folder, arguments


@pytest.mark.parametrize(
    ("name", "dataset", "words"),
    [
        ("plain.hdf5", "showers", "the run was begun on other data"),
        ("part1.hdf5", "showers", "the run was begun on other data"),
        ("energies.hdf5", "e", "the run was begun on other data"),
        ("part0.hdf5", None, "showers is virtual and its source part0.hdf5 is missing"),
    ],
)
def test_changed_data_are_refused(calosim, without_tensorflow, begun, name, dataset, words):
    """Breaks if only the file that was given is summed up: a source of it may be another one after the checkpoint."""
    folder, arguments = begun
    path = folder / name
    before = path.read_bytes()
    try:
        if dataset is None:
            path.unlink()
        else:
            with h5py.File(path, "r+") as file:
                file[dataset][7] = file[dataset][7] * np.float32(1.01)
        process = calosim(*arguments, "--iterations", 4, "--resume", **without_tensorflow)
    finally:
        path.write_bytes(before)
    assert (process.returncode, process.stderr.count("\n")) == (2, 1), process.stderr
    assert words in process.stderr


def test_the_same_data_go_on(calosim, begun):
    """Breaks if the refusals above have another reason than the change."""
    _, arguments = begun
    process = calosim(*arguments, "--iterations", 3, "--resume")
    assert process.returncode == 0, process.stderr
