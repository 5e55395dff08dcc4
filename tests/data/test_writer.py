"""Files appear whole or not at all, and plain h5py reads them."""

from __future__ import annotations

import subprocess
import sys

import h5py
import numpy as np
import pytest

from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.data.layouts.calochallenge_writer import CaloChallengeWriter, fletcher32
from calosim_tf.data.readers import read_showers
from calosim_tf.data.writer import COMPRESSIONS
from calosim_tf.data.writers import shower_writer
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import PHOTON, get_detector


def write_all(path, incident, showers, step: int = 37, **options):
    with CaloChallengeWriter(path, showers.shape[1], len(showers), **options) as writer:
        for start in range(0, len(showers), step):
            writer.append(incident[start : start + step], showers[start : start + step])


@pytest.mark.parametrize("compression", COMPRESSIONS)
@pytest.mark.parametrize("chunk_rows", [16, 65, 4096])
def test_plain_h5py_reads_it_back(tmp_path, few_showers, compression, chunk_rows, monkeypatch):
    """Breaks if the hand-made chunks (byte shuffle, zlib, the padded last one) are not what HDF5 expects."""
    monkeypatch.setattr("calosim_tf.data.layouts.calochallenge_writer.CHUNK_BYTES", chunk_rows * 368 * 4)
    path = tmp_path / "out.hdf5"
    write_all(path, *few_showers, compression=compression, attributes={"source": "photon, iteration 5", "seed": 3})
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["incident_energies"][:, 0], few_showers[0])
        np.testing.assert_array_equal(file["showers"][:], few_showers[1])
        assert file["showers"].dtype == file["incident_energies"].dtype == np.float32
        assert file["showers"].compression == (None if compression == "none" else "gzip")
        assert file["showers"].fletcher32
        assert file["showers"].attrs["units"] == "MeV"
        assert file.attrs["seed"] == 3
    assert read_showers(path, PHOTON).source == "photon, iteration 5"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.hdf5"]


@pytest.mark.parametrize("size", [0, 1, 2, 7, 720, 721, 100_001])
def test_checksum_is_that_of_hdf5(tmp_path, size):
    """Breaks if another checksum than HDF5's is put behind a chunk of ours; odd lengths and carries included."""
    for content in (np.zeros(size, "u1"), np.full(size, 255, "u1"), np.arange(size).astype("u1")):
        path = tmp_path / "reference.hdf5"
        if size:
            with h5py.File(path, "w") as file:
                file.create_dataset("a", data=content, chunks=(size,), fletcher32=True)
            with h5py.File(path) as file:
                _, stored = file["a"].id.read_direct_chunk((0,))
            assert fletcher32(content.tobytes()) == int.from_bytes(stored[-4:], "little")
        else:
            assert fletcher32(b"") == 0


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_one_flipped_byte_is_noticed(tmp_path, few_showers, compression):
    """Breaks if showers are stored without a checksum: a changed energy would go unseen."""
    path = tmp_path / "out.hdf5"
    write_all(path, *few_showers, compression=compression)
    with h5py.File(path) as file:
        chunk = file["showers"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0x10
    path.write_bytes(content)
    with pytest.raises(DataError, match="rows 0 to 129 of showers cannot be read"):
        read_showers(path, PHOTON)


def test_same_showers_same_bytes(tmp_path, few_showers):
    """Breaks if times, thread order or step size reach the file."""
    write_all(tmp_path / "a.hdf5", *few_showers, step=37)
    write_all(tmp_path / "b.hdf5", *few_showers, step=130)
    assert (tmp_path / "a.hdf5").read_bytes() == (tmp_path / "b.hdf5").read_bytes()


def test_failure_leaves_nothing(tmp_path, few_showers):
    """Breaks if an interrupted generation leaves a file that looks finished, or leftovers next to it."""

    def interrupted():
        with CaloChallengeWriter(tmp_path / "out.hdf5", 368, 260) as writer:
            writer.append(*few_showers)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_inside_of_hdf5_is_obeyed_in_order(tmp_path, few_showers, monkeypatch):
    """Breaks if Ctrl-C or SIGTERM in the middle of a write makes HDF5 end the process with a crash."""
    calls = []

    def interrupt(stage, action, path):
        calls.append(stage)
        if len(calls) == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr("calosim_tf.data.hdf5.reach", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_all(tmp_path / "out.hdf5", *few_showers, compression="none")
    assert len(calls) >= 6
    assert list(tmp_path.iterdir()) == []


def test_too_few_showers_leave_nothing(tmp_path, few_showers):
    """Breaks if a file with fewer showers than announced counts as finished."""
    with (
        pytest.raises(ValueError, match="130 showers appended, 131 announced"),
        CaloChallengeWriter(tmp_path / "out.hdf5", 368, 131) as writer,
    ):
        writer.append(*few_showers)
    assert list(tmp_path.iterdir()) == []


def test_existing_file_is_kept(tmp_path, few_showers):
    """Breaks if a finished file is lost to a second run, whether refused or failing halfway."""
    path = tmp_path / "out.hdf5"
    write_all(path, *few_showers)
    content = path.read_bytes()
    with pytest.raises(ConfigError, match="exists already"):
        CaloChallengeWriter(path, 368, 10)
    with pytest.raises(ValueError, match="announced"), CaloChallengeWriter(path, 368, 10, overwrite=True):
        pass
    assert path.read_bytes() == content
    write_all(path, few_showers[0][:9], few_showers[1][:9], overwrite=True)
    assert len(read_showers(path, PHOTON)) == 9


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("none/out.hdf5", 368, 10), "its folder .*none does not exist"),
        ((".", 368, 10), "is a folder"),
        (("out.hdf5", 368, 0), "0 showers to write"),
        (("out.hdf5", 368, 10, "lzma"), "compression 'lzma' is unknown, expected one of gzip, none"),
    ],
)
def test_requests_that_cannot_be_met(tmp_path, arguments, expected):
    """Breaks if a mistake on the command line shows only after all showers are generated."""
    with pytest.raises(ConfigError, match=expected):
        CaloChallengeWriter(tmp_path / arguments[0], *arguments[1:])


FULL_DISK = """
import resource, signal, sys
import numpy as np
from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.data.layouts.calochallenge_writer import CaloChallengeWriter
from calosim_tf.errors import DataError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
try:
    with CaloChallengeWriter(sys.argv[1], 368, 4000, sys.argv[2]) as writer:
        for _ in range(4):
            writer.append(np.full(1000, 256.0), np.random.default_rng(0).random((1000, 368)))
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_full_disk_is_one_line(tmp_path, compression):
    """Breaks if a disk that fills up ends in a traceback, an HDF5 crash at exit, or a partial file."""
    command = [sys.executable, "-W", "error", "-c", FULL_DISK, str(tmp_path / "out.hdf5"), compression]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    assert "cannot be written (file too large); free space" in result.stdout
    assert result.stdout.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("energies", "showers"), [((3,), (4, 368)), ((4,), (4, 367))])
def test_parts_that_do_not_belong_together_are_not_written(tmp_path, energies, showers):
    """Breaks if one energy too few, or one voxel, is written and shifts all that follow."""
    with (
        pytest.raises(ValueError, match="energies and showers of shape"),
        CaloChallengeWriter(tmp_path / "out.hdf5", 368, 8) as writer,
    ):
        writer.append(np.ones(energies), np.ones(showers))


@pytest.mark.parametrize("name", ["photon", "lhcb"])
def test_hdf5_is_not_written_under_the_name_of_npz(tmp_path, name):
    """Breaks if HDF5 is written into x.npz, which numpy then takes for a damaged archive."""
    with pytest.raises(ConfigError, match=r"x\.npz: showers are written as HDF5, expected a name that ends in \.hdf5"):
        shower_writer(tmp_path / "x.npz", get_detector(name), 1)
    assert not list(tmp_path.iterdir())


def test_a_file_that_keeps_its_errors_is_cut_where_asked(tmp_path):
    """Breaks if what HDF5 cuts off stays behind the end of the file."""
    path = tmp_path / "a"
    with PatientFile(path) as file:
        file.write(b"abcdef")
        assert file.truncate(4) == 4
    assert path.read_bytes() == b"abcd"
