"""Datasets whose numbers are in other files: all of them are there, and all of them are in the checksum."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from calosim_tf.data.readers import open_showers
from calosim_tf.data.source import load_source
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON, get_detector


def _parts(folder, showers):
    """Two files with 65 showers each."""
    for index in (0, 1):
        with h5py.File(folder / f"part{index}.hdf5", "w") as file:
            file["showers"] = showers[65 * index : 65 * (index + 1)]


def _virtual(folder, few, mapped=130, source="part{}.hdf5", name="showers"):
    _parts(folder, few[1])
    layout = h5py.VirtualLayout((130, 368), dtype="f4")
    for index in (0, 1):
        rows = slice(65 * index, min(mapped, 65 * (index + 1)))
        shape = (rows.stop - rows.start, 368)
        layout[rows] = h5py.VirtualSource(source.format(index), name, shape=shape)
    with h5py.File(folder / "virtual.hdf5", "w", libver="latest") as file:
        file.create_virtual_dataset("showers", layout)
        file["incident_energies"] = few[0][:, None]
    return folder / "virtual.hdf5"


def _external(folder, few):
    (folder / "raw").write_bytes(few[1].tobytes())
    path = folder / "external.hdf5"
    with h5py.File(path, "w") as file:
        file["incident_energies"] = few[0][:, None]
        file.create_dataset("showers", few[1].shape, "f4", external=[(str(folder / "raw"), 0, few[1].nbytes)])
    return path


def _linked(folder, few, link):
    _parts(folder, few[1])
    with h5py.File(folder / "linked.hdf5", "w") as file:
        file["incident_energies"] = few[0][:65, None]
        file["showers"] = link
    return folder / "linked.hdf5"


def _refused(path, words, detector=PHOTON):
    with pytest.raises(DataError, match=words) as caught:
        load_source(path, detector)
    assert str(path) in str(caught.value)


def test_missing_source_of_a_virtual_dataset_does_not_read_as_zeros(tmp_path, few_showers):
    """Breaks if showers whose file is gone count as empty ones."""
    path = _virtual(tmp_path, few_showers)
    assert len(load_source(path, PHOTON)) == 130
    (tmp_path / "part1.hdf5").unlink()
    _refused(path, r"showers is virtual and its source part1\.hdf5 is missing")


def test_changed_source_changes_the_checksum(tmp_path, few_showers):
    """Breaks if a run goes on with other showers because only the container is summed up."""
    for path, part in ((_virtual(tmp_path, few_showers), "part1.hdf5"), (_external(tmp_path, few_showers), "raw")):
        before = load_source(path, PHOTON).files
        with (tmp_path / part).open("r+b") as stream:
            stream.seek(-4, 2)
            stream.write(np.float32(0.25).tobytes())
        after = load_source(path, PHOTON).files
        assert before[0]["sha256"] != after[0]["sha256"]
        assert before[0]["bytes"] == after[0]["bytes"] > path.stat().st_size


def test_source_that_is_not_what_it_was_made_from(tmp_path, few_showers):
    """Breaks if a source without the dataset, a shorter one, or rows without a source read as zeros."""
    path = _virtual(tmp_path, few_showers)
    with h5py.File(tmp_path / "part1.hdf5", "w") as file:
        file["showers"] = few_showers[1][:64]
    _refused(path, r"has shape \(64, 368\), which is not what it was made from")
    _refused(_virtual(tmp_path, few_showers, name="Showers"), r"source Showers in .*part0\.hdf5 is missing")
    _refused(_virtual(tmp_path, few_showers, mapped=129), "has sources for 47472 of its 47840 numbers")
    _refused(_virtual(tmp_path, few_showers, source="virtual.hdf5"), "over 9 levels")
    path = _virtual(tmp_path, few_showers)
    (tmp_path / "part0.hdf5").write_bytes(b"")
    with pytest.raises(DataError, match=r"part0\.hdf5: is empty"):
        load_source(path, PHOTON)


def test_external_storage_is_there_to_its_end(tmp_path, few_showers):
    """Breaks if a raw file that was cut reads as zeros."""
    path = _external(tmp_path, few_showers)
    assert len(load_source(path, PHOTON)) == 130
    (tmp_path / "raw").write_bytes(few_showers[1].tobytes()[:-4])
    _refused(path, r"raw, which has \d+ bytes, expected at least \d+")
    (tmp_path / "raw").unlink()
    _refused(path, "raw, which is missing")


def test_links_lead_somewhere_and_count_in_the_checksum(tmp_path, few_showers):
    """Breaks if the file behind an external link is not summed up, or a dangling one gives a list of names."""
    path = _linked(tmp_path, few_showers, h5py.ExternalLink("part0.hdf5", "/showers"))
    with open_showers(path)[0] as file:
        assert [item.name for item in file.files] == ["linked.hdf5", "part0.hdf5"]
    (tmp_path / "part0.hdf5").unlink()
    _refused(path, r"showers is a link to showers in part0\.hdf5, which is missing")
    _refused(_linked(tmp_path, few_showers, h5py.SoftLink("/data")), "showers is a link to /data, which is not in the")


def test_lhcb_files_are_looked_through_likewise(tmp_path, cells, store):
    """Breaks if a reader of its own passes the check by."""
    arrays = cells("lhcb", 20)
    store(tmp_path / "deposits.hdf5", {"EnergyDeposit": arrays.pop("EnergyDeposit")})
    path = store(tmp_path / "lhcb.hdf5", arrays)
    layout = h5py.VirtualLayout((20, 30, 30, 1), dtype="f4")
    layout[:] = h5py.VirtualSource("deposits.hdf5", "EnergyDeposit", shape=(20, 30, 30, 1))
    with h5py.File(path, "a") as file:
        file.create_virtual_dataset("EnergyDeposit", layout)
    with open_showers(path, get_detector("lhcb"))[0] as file:
        assert [item.name for item in file.files] == ["lhcb.hdf5", "deposits.hdf5"]
    (tmp_path / "deposits.hdf5").unlink()
    _refused(path, r"EnergyDeposit is virtual and its source deposits\.hdf5 is missing", get_detector("lhcb"))
