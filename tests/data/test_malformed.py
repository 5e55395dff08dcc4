"""Every malformed file ends in one line that names the file, what was found and what to do."""

from __future__ import annotations

import io
import time

import h5py
import numpy as np
import pytest

from calosim_tf.data.readers import open_showers, read_incident_particles, read_showers
from calosim_tf.data.source import load_source
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON

CASES = {}


def case(expected: str):
    """Register ``function(write, few_showers, tmp_path) -> path`` with the words that its error must have."""

    def register(function):
        CASES[function.__name__] = (function, expected)
        return function

    return register


@case("no such file")
def missing(write, few, folder):
    return folder / "absent.hdf5"


@case("is a folder, expected an HDF5 file")
def folder_instead_of_file(write, few, folder):
    return folder


@case(r"is empty \(0 bytes\)")
def empty_file(write, few, folder):
    (folder / "empty.hdf5").touch()
    return folder / "empty.hdf5"


def _bytes(folder, content: bytes):
    path = folder / "download.hdf5"
    path.write_bytes(content)
    return path


@case("is not HDF5 .*copy or fetch the file again")
def text_instead_of_hdf5(write, few, folder):
    return _bytes(folder, b"incident_energy,voxel_0\n256,1.0\n")


@case("Git LFS pointer .*git lfs pull")
def lfs_pointer(write, few, folder):
    return _bytes(folder, b"version https://git-lfs.github.com/spec/v1\noid sha256:54011e9f\nsize 173797023\n")


@case(r"web page \(HTML\)")
def html_page(write, few, folder):
    return _bytes(folder, b"\n<!DOCTYPE html>\n<html><head><title>Zenodo</title></head></html>")


@case("zip or npz file")
def npz_file(write, few, folder):
    buffer = io.BytesIO()
    np.savez(buffer, showers=few[1])
    return _bytes(folder, buffer.getvalue())


@case(r"is cut off: \d+ bytes, expected \d+")
def cut_file(write, few, folder):
    content = write().read_bytes()
    return _bytes(folder, content[: len(content) * 6 // 10])


@case("is not HDF5|cannot be opened as HDF5|is cut off")
def only_the_first_bytes(write, few, folder):
    return _bytes(folder, write().read_bytes()[:60])


@case(r"no dataset 'showers', found 'incident_energies', 'voxels'")
def missing_key(write, few, folder):
    path = write()
    with h5py.File(path, "r+") as file:
        file.move("showers", "voxels")
    return path


@case("'showers' is a group")
def group_instead_of_dataset(write, few, folder):
    path = write()
    with h5py.File(path, "r+") as file:
        del file["showers"]
        file.create_group("showers")
    return path


@case(r"showers is a link to showers in elsewhere\.hdf5, which is missing")
def broken_link(write, few, folder):
    path = write()
    with h5py.File(path, "r+") as file:
        del file["showers"]
        file["showers"] = h5py.ExternalLink("elsewhere.hdf5", "/showers")
    return path


@case(r"533 voxels per shower \(that is .*pion.*\), expected 368 for detector 'photon'")
def voxels_of_pions(write, few, folder):
    return write(showers=np.pad(few[1], ((0, 0), (0, 533 - 368))))


@case("367 voxels per shower, expected 368")
def one_voxel_short(write, few, folder):
    return write(showers=few[1][:, :367])


@case("130 incident_energies but 129 showers")
def unequal_length(write, few, folder):
    return write(showers=few[1][:129])


@case("holds no events")
def zero_events(write, few, folder):
    return write(incident=np.empty((0, 1), "f4"), showers=np.empty((0, 368), "f4"))


@case(r"showers has shape \(130, 368, 1\), expected \(events, voxels\)")
def showers_of_rank_three(write, few, folder):
    return write(showers=few[1][:, :, None])


@case(r"incident_energies has shape \(130, 2\), expected \(130, 1\)")
def two_energies_per_shower(write, few, folder):
    return write(incident=np.stack([few[0], few[0]], axis=1))


@case(r"showers has shape \(\)")
def scalar_showers(write, few, folder):
    return write(showers=np.float32(1.0))


@case("showers holds bool, expected float32 or float64")
def hit_map(write, few, folder):
    return write(showers=few[1] > 1)


@case("incident_energies holds object, expected float32 or float64")
def energies_as_text(write, few, folder):
    return write(incident=np.array([[f"{energy} MeV"] for energy in few[0]], dtype=object))


@case(r"showers holds \[.*\('mev', '<f4'\)\], expected float32 or float64")
def compound_type(write, few, folder):
    return write(showers=few[1].view([("mev", "f4")]))


@case("row 77, voxel 123 of showers is inf, expected a finite number")
def beyond_half_precision(write, few, folder):
    showers = np.minimum(few[1], 6e4).astype(np.float16)
    showers[77, 123] = np.inf
    return write(showers=showers)


@case("energies are in keV .*divide incident_energies and showers by 1000")
def everything_in_kev(write, few, folder):
    return write(incident=few[0][:, None] * 1e3, showers=few[1] * 1e3)


@case("energies are in eV .*divide incident_energies and showers by 1e")
def everything_in_ev(write, few, folder):
    return write(incident=few[0][:, None] * 1e6, showers=few[1] * 1e6)


def _with_voxel(write, few, value: float, **options):
    showers = few[1].copy()
    showers[77, 123] = value
    return write(showers=showers, **options)


@case("row 77, voxel 123 of showers is nan, expected a finite number")
def nan_voxel(write, few, folder):
    return _with_voxel(write, few, np.nan)


@case("row 77, voxel 123 of showers is inf, expected a finite number")
def infinite_voxel(write, few, folder):
    return _with_voxel(write, few, np.inf, compression="gzip")


@case("row 77, voxel 123 of showers is -0.001, expected an energy of at least 0")
def negative_voxel(write, few, folder):
    return _with_voxel(write, few, -1e-3)


@case(r"row 77, voxel 123 of showers is 1e\+60, expected an energy that float32 can hold")
def voxel_beyond_float32(write, few, folder):
    showers = few[1].astype(np.float64)
    showers[77, 123] = 1e60
    return write(showers=showers)


@case(r"row 77 of showers deposits 1\.\d+e\+09 MeV, but incident_energies is")
def deposit_far_above_incident_energy(write, few, folder):
    return _with_voxel(write, few, 1e9)


@case("row 5 of incident_energies is nan, expected a positive energy")
def nan_energy(write, few, folder):
    return write(incident=np.where(np.arange(130) == 5, np.nan, few[0])[:, None])


@case(r"row 5 of incident_energies is -256, .*\(2 of 130 rows are bad\)")
def negative_energies(write, few, folder):
    return write(incident=np.where(np.isin(np.arange(130), (5, 9)), -256.0, few[0])[:, None])


@case("row 0 of incident_energies is 0, expected a positive energy")
def zero_energies(write, few, folder):
    return write(incident=np.zeros((130, 1)))


@case("energies are in GeV .*expected MeV; multiply incident_energies and showers by 1000")
def everything_in_gev(write, few, folder):
    return write(incident=few[0][:, None] / 1000, showers=few[1] / 1000)


@case("showers are in GeV but incident_energies in MeV .*multiply showers by 1000")
def showers_in_gev(write, few, folder):
    return write(showers=few[1] / 1000)


@case("incident_energies are in GeV but showers in MeV .*multiply incident_energies by 1000")
def energies_in_gev(write, few, folder):
    return write(incident=few[0][:, None] / 1000)


@case("all 130 showers are empty")
def empty_showers(write, few, folder):
    return write(showers=np.zeros_like(few[1]))


@case("showers was never written")
def reserved_but_never_written(write, few, folder):
    path = write()
    with h5py.File(path, "r+") as file:
        del file["showers"]
        file.create_dataset("showers", (130, 368), "f4")
    return path


@case("only 2 of 5 chunks of showers were written")
def writing_stopped_half_way(write, few, folder):
    path = write()
    with h5py.File(path, "r+") as file:
        del file["showers"]
        file.create_dataset("showers", (130, 368), "f4", chunks=(26, 368), compression="gzip")[:52] = few[1][:52]
    return path


@case("rows 0 to 129 of showers cannot be read .*copy or fetch the file again")
def corrupt_gzip_chunk(write, few, folder):
    path = write(compression="gzip", chunks=(26, 368))
    with h5py.File(path) as file:
        chunk = file["showers"].id.get_chunk_info(2)
    content = bytearray(path.read_bytes())
    middle = chunk.byte_offset + chunk.size // 2
    content[middle : middle + 8] = bytes(byte ^ 0xFF for byte in content[middle : middle + 8])
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", CASES)
def test_one_line_data_error(name, write, few_showers, tmp_path):
    """Breaks if the malformed file is accepted, ends in another exception, or takes longer than a second to refuse."""
    make, expected = CASES[name]
    path = make(write, few_showers, tmp_path)
    start = time.process_time()
    with pytest.raises(DataError, match=expected) as caught:
        load_source(path, PHOTON)
    assert time.process_time() - start < 1.0
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")


def test_sound_file_is_accepted(write, few_showers):
    """Breaks if the cases above fail for another reason than their fault."""
    showers = read_showers(write(), PHOTON)
    np.testing.assert_array_equal(showers.showers_mev, few_showers[1])


def test_unreadable_file(write, monkeypatch):
    """Breaks if a file without read permission becomes a traceback."""
    path = write()

    def refuse(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    with pytest.raises(DataError, match="permission denied"):
        open_showers(path, PHOTON)


def test_unknown_compression_is_named(write, monkeypatch):
    """Breaks if a file packed with a filter plug-in ends in HDF5's own words."""
    path = write(compression="gzip")
    monkeypatch.setattr("h5py.h5z.filter_avail", lambda _code: False)
    with pytest.raises(DataError, match=r"HDF5 filter 1, which is not installed; expected gzip.*h5repack"):
        open_showers(path, PHOTON)


def test_same_file_twice(write):
    """Breaks if events are counted double because a file is named twice, be it by different paths."""
    path = write()
    with pytest.raises(DataError, match="given twice"):
        open_showers([path, path.parent / "." / path.name], PHOTON)


def test_files_of_two_detectors(write, few_showers):
    """Breaks if files with different voxels are joined when no detector is named."""
    first = write(name="a.hdf5")
    second = write(name="b.hdf5", showers=few_showers[1][:, :100])
    with pytest.raises(DataError, match=r"b\.hdf5: 100 voxels per shower .*, but .*a\.hdf5 has 368"):
        open_showers([first, second])


def test_no_file():
    """Breaks if an empty list of files is mistaken for an empty data set."""
    with pytest.raises(DataError, match="no data file was given"):
        open_showers([], PHOTON)


def test_bad_row_of_second_file_is_counted_in_that_file(write, few_showers):
    """Breaks if the row in the message is counted over all files: the user looks into one."""
    showers = few_showers[1].copy()
    showers[3, 0] = np.nan
    paths = [write(name="a.hdf5"), write(name="b.hdf5", showers=showers)]
    with pytest.raises(DataError, match=r"b\.hdf5: row 3, voxel 0"):
        load_source(paths, PHOTON)


def test_one_bad_event_after_many_blocks(write, few_showers, monkeypatch):
    """Breaks if only the first block is checked, or the row is counted inside its block."""
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 10 * 368 * 4)
    showers = few_showers[1].copy()
    showers[128, 367] = np.nan
    with pytest.raises(DataError, match="row 128, voxel 367"):
        load_source(write(showers=showers), PHOTON)


def test_energies_alone_are_checked_too(write, few_showers):
    """Breaks if `generate --like` takes over energies in GeV."""
    np.testing.assert_array_equal(read_incident_particles(write(), PHOTON)[0], few_showers[0])
    with pytest.raises(DataError, match="energies are in GeV"):
        read_incident_particles(write(incident=few_showers[0][:, None] / 1000), PHOTON)


@pytest.mark.slow
def test_damaged_bytes_never_escape_as_other_errors(write, tmp_path):
    """Breaks if some broken metadata raises what the command line would show as a traceback."""
    sound = write(compression="gzip", chunks=(32, 368)).read_bytes()
    rng = np.random.default_rng(0)
    path = tmp_path / "flipped.hdf5"
    n_refused = 0
    for _ in range(150):
        content = bytearray(sound)
        for position in rng.integers(0, 6000, 3):
            content[position] = rng.integers(0, 256)
        path.write_bytes(content)
        try:
            read_showers(path, PHOTON)
        except DataError:
            n_refused += 1
    assert n_refused > 30
