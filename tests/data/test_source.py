"""Random access in memory and from disk, selection, held-out part, labels."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from calosim_tf.data import source as source_module
from calosim_tf.data.batches.order import ShuffledRows
from calosim_tf.data.readers import read_showers
from calosim_tf.data.source import load_source, memory_bytes
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON

ROW_BYTES = 368 * 4


@pytest.fixture
def small_blocks(monkeypatch):
    """Blocks of 64 rows, so that the small files have many."""
    monkeypatch.setattr(source_module, "BLOCK_ROWS", 64)
    monkeypatch.setattr("calosim_tf.data.shower_file.BLOCK_BYTES", 50 * ROW_BYTES)


def streamed(paths, blocks: int = 5, **options):
    """Source with room for about ``blocks`` blocks of 64 training rows and the held-out rows between them."""
    return load_source(paths, PHOTON, memory_limit_bytes=blocks * 90 * ROW_BYTES, **options)


def test_reads_the_public_layout(public_like_file, photon_showers):
    """Breaks if float64 gzip files are converted, ordered or summed wrongly."""
    incident, showers = photon_showers
    source = load_source(public_like_file, PHOTON)
    assert source.in_memory
    assert len(source) == 1210
    np.testing.assert_array_equal(source.incident_energy_mev, incident)
    rows = np.array([5, 0, 1209, 5])
    assert source.read(rows).dtype == np.float32
    np.testing.assert_array_equal(source.read(rows), showers[rows].astype(np.float32))


def test_streamed_equals_memory(small_blocks, public_like_file, photon_showers):
    """Breaks if a block boundary, a file boundary or the energy selection shifts a row."""
    options = {"energy_min_mev": 512.0, "energy_max_mev": 65536.0}
    in_memory = load_source(public_like_file, PHOTON, **options)
    on_disk = streamed(public_like_file, **options)
    assert not on_disk.in_memory
    np.testing.assert_array_equal(in_memory.train_rows, on_disk.train_rows)
    order = ShuffledRows(len(on_disk.train_rows), 1, 128, block_rows=64)
    for start in range(0, 1500, 100):
        rows = on_disk.train_rows[order.rows(start, 100)]
        np.testing.assert_array_equal(on_disk.read(rows), in_memory.read(rows))
    np.testing.assert_array_equal(on_disk.holdout_set().showers_mev, in_memory.holdout_set().showers_mev)


def test_several_files_follow_one_another(small_blocks, write, few_showers):
    """Breaks if files are joined in another order, or streaming confuses their rows."""
    incident, showers = few_showers
    paths = [
        write(name="a.hdf5", incident=incident[:31, None], showers=showers[:31]),
        write(name="b.hdf5", incident=incident[31:, None].astype(np.float64), showers=showers[31:].astype(np.float64)),
    ]
    rows = np.array([129, 30, 31, 0])
    for source in (load_source(paths, PHOTON), streamed(paths, blocks=1)):
        np.testing.assert_array_equal(source.read(rows), showers[rows])
        assert [file["events"] for file in source.files] == [31, 99]


def test_streaming_reads_each_block_once_per_group(small_blocks, public_like_file, monkeypatch):
    """Breaks if training from disk reads blocks again and again: one pass in groups needs every block once."""
    source = streamed(public_like_file)
    loads = []
    load = source_module.StreamedRows._load
    monkeypatch.setattr(
        source_module.StreamedRows, "_load", lambda self, rows: loads.append(len(rows)) or load(self, rows)
    )
    order = ShuffledRows(len(source.train_rows), 1, source.group_rows, block_rows=64)
    for start in range(0, len(source.train_rows), 50):
        source.read(source.train_rows[order.rows(start, min(50, len(source.train_rows) - start))])
    assert sum(loads) == len(source)
    assert len(loads) == -(-len(source.train_rows) // 64)


def test_memory_stays_within_the_limit(small_blocks, public_like_file):
    """Breaks if blocks are kept without end."""
    source = streamed(public_like_file, blocks=3)
    source.read(np.arange(len(source)))
    blocks = source._showers._blocks.values()
    assert sum(block.nbytes for block in blocks) <= 3 * 90 * ROW_BYTES
    assert source.group_rows == 64


def test_block_used_last_is_kept(small_blocks, public_like_file, monkeypatch):
    """Breaks if blocks in use are dropped for having been read first: with room for two, a b a c must keep a."""
    source = streamed(public_like_file, blocks=2)
    reads = []
    read = source_module.StreamedRows._load
    monkeypatch.setattr(
        source_module.StreamedRows, "_load", lambda self, rows: reads.append(rows[0]) or read(self, rows)
    )
    a, b, c = source.train_rows[[0, 64, 128]]
    for row in (a, b, a, c, a):
        source.read(np.array([row]))
    assert len(reads) == 3


def test_energy_range_includes_both_ends(public_like_file):
    """Breaks if an end is left out: boundary energies are trained in both generators of a split."""
    source = load_source(public_like_file, PHOTON, energy_min_mev=1024.0, energy_max_mev=4096.0)
    assert np.unique(source.incident_energy_mev).tolist() == [1024.0, 2048.0, 4096.0]
    assert len(source.holdout_rows) == 60


def test_empty_range_names_the_energies_present(write, few_showers):
    """Breaks if a range between two energies trains on nothing."""
    with pytest.raises(DataError, match=r"incident energy of 300 to 400 MeV; the data hold 256, 512, .* MeV"):
        load_source(write(), PHOTON, energy_min_mev=300.0, energy_max_mev=400.0)
    continuous = np.linspace(1000, 60_000, 130)[:, None]
    showers = few_showers[1] * (continuous[:, 0] / few_showers[0])[:, None]
    with pytest.raises(DataError, match="the data hold 1000 to 60000 MeV"):
        load_source(write(incident=continuous, showers=showers), PHOTON, energy_max_mev=900.0)


def test_held_out_and_training_rows_are_a_partition(public_like_file):
    """Breaks if a shower is in both parts or in none."""
    source = load_source(public_like_file, PHOTON, holdout_fraction=0.25)
    both = np.concatenate([source.train_rows, source.holdout_rows])
    np.testing.assert_array_equal(np.sort(both), np.arange(1210))
    assert abs(len(source.holdout_rows) - 1210 / 4) < 1


def test_sets_hold_their_own_rows(public_like_file):
    """Breaks if the training set handed to evaluation contains held-out showers, or is cut at the first energies."""
    source = load_source(public_like_file, PHOTON)
    held_out = {shower.tobytes() for shower in source.holdout_set().showers_mev}
    train = source.train_set(max_events=484)
    assert len(train) == 484
    assert not any(shower.tobytes() in held_out for shower in train.showers_mev)
    _, counts = np.unique(train.incident_energy_mev, return_counts=True)
    np.testing.assert_array_equal(counts, [40] * 11 + [20, 12, 8, 4])
    assert len(source.holdout_set(max_events=10**6)) == 242


@pytest.mark.parametrize(
    ("attributes", "label"),
    [
        ({"generator": "EGSnrc v2025a (master), own application"}, "EGSnrc sample"),
        ({"generator": "parametrised showers, calosim_tf"}, "parametrised showers"),
        ({"parametrised": True}, "parametrised showers"),
        ({"generator": "calosim_tf, experiment photon", "source": "photon, iteration 100"}, "photon, iteration 100"),
        ({"source": np.bytes_(b"photon, iteration 7")}, "photon, iteration 7"),
        ({}, "mine.hdf5"),
    ],
)
def test_source_label(write, attributes, label):
    """Breaks if numbers on made-up showers are shown without saying so."""
    assert load_source(write(name="mine.hdf5", attributes=attributes), PHOTON).source_label == label


def test_labels_of_several_files_are_joined(write):
    """Breaks if a mixture carries the name of one part."""
    paths = [write(name="a.hdf5", attributes={"generator": "EGSnrc"}), write(name="b.hdf5")]
    assert load_source(paths, PHOTON).source_label == "EGSnrc sample + b.hdf5"


def test_files_are_identified(public_like_file):
    """Breaks if the checksum that a run folder records is not that of the file."""
    (record,) = load_source(public_like_file, PHOTON).files
    content = public_like_file.read_bytes()
    assert record == {
        "path": str(public_like_file),
        "events": 1210,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }


def test_generated_showers_are_read_however_bad(write, few_showers):
    """Breaks if a poor generator cannot be evaluated; training on the same file stays refused."""
    path = write(showers=-100 * few_showers[1])
    showers = read_showers(path, PHOTON, physical=False)
    np.testing.assert_array_equal(showers.showers_mev, -100 * few_showers[1])
    with pytest.raises(DataError, match="expected an energy of at least 0"):
        read_showers(path, PHOTON)


def test_memory_of_this_machine_is_plausible():
    """Breaks if pages or containers are counted wrongly: between 64 MiB and 64 TiB."""
    assert 2**26 < memory_bytes() < 2**46


@pytest.mark.parametrize("memory_limit_bytes", [None, 0])
def test_a_range_keeps_what_is_held_out_and_both_its_edges(public_like_file, memory_limit_bytes):
    """Breaks when a member of a split trains on showers that judge the whole, in memory or from disk."""
    whole = load_source(public_like_file, PHOTON, memory_limit_bytes=memory_limit_bytes)
    low, high = whole.within(None, 4096.0), whole.within(4096.0, None)
    assert np.unique(low.incident_energy_mev).tolist() == [256.0, 512.0, 1024.0, 2048.0, 4096.0]
    assert high.incident_energy_mev.min() == 4096.0
    inside = np.flatnonzero(whole.incident_energy_mev <= 4096.0)
    np.testing.assert_array_equal(inside[low.holdout_rows], np.intersect1d(inside, whole.holdout_rows))
    np.testing.assert_array_equal(low.read(np.arange(len(low))), whole.read(inside))
    np.testing.assert_array_equal(low.train_set().showers_mev, whole.read(np.intersect1d(inside, whole.train_rows)))
    np.testing.assert_array_equal(low.within(512.0, 512.0).read(np.array([0])), whole.read(
        np.flatnonzero(whole.incident_energy_mev == 512.0)[:1]
    ))  # fmt: skip
    assert low.in_memory is whole.in_memory
    with pytest.raises(DataError, match="no event has an incident energy of 1 to 2 MeV"):
        whole.within(1.0, 2.0)


def test_sums_over_voxels_are_double_precision_sums(public_like_file):
    """Breaks when totals are summed in float32, or in another order than requested."""
    source = load_source(public_like_file, PHOTON)
    rows = np.array([5, 2, 900])
    expected = source.read(rows).astype("f8").sum(axis=1)
    np.testing.assert_allclose(source.total_energy_mev(rows), expected, rtol=1e-12)
