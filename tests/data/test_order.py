"""Training order as a function of (seed, position)."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from calosim_tf.data.batches.order import ShuffledRows, replica_rows
from calosim_tf.data.batches.pipeline import learnt_rows
from calosim_tf.errors import DataError

# name -> arguments after the number of rows and the seed; 1003 rows leave a short last block
LAYOUTS = {
    "whole set": {},
    "groups": {"group_rows": 64, "block_rows": 16},
    "one block per group": {"group_rows": 1, "block_rows": 100},
    "group larger than the set": {"group_rows": 5000, "block_rows": 16},
}
N_ROWS = 1003
FIRST_TEN = [4, 9, 2, 7, 6, 3, 0, 1, 5, 8]


@pytest.fixture(params=LAYOUTS, ids=str)
def layout(request) -> dict:
    return LAYOUTS[request.param]


def test_every_pass_visits_each_row_once(layout):
    """Breaks if a remainder is dropped or a group is drawn with gaps."""
    passes = ShuffledRows(N_ROWS, 3, **layout).rows(0, 4 * N_ROWS).reshape(4, N_ROWS)
    np.testing.assert_array_equal(np.sort(passes, axis=1), np.tile(np.arange(N_ROWS), (4, 1)))


def test_position_is_all_that_counts(layout):
    """Breaks if the order depends on earlier requests: a resumed run starts in the middle, with other pieces."""
    whole = ShuffledRows(N_ROWS, 3, **layout).rows(0, 3 * N_ROWS)
    asked = ShuffledRows(N_ROWS, 3, **layout)
    rng = np.random.default_rng(0)
    for _ in range(50):
        start, first, second = rng.integers(0, N_ROWS, 3)
        pieces = np.concatenate([asked.rows(start, first), asked.rows(start + first, second)])
        np.testing.assert_array_equal(pieces, whole[start : start + first + second])


def test_passes_and_seeds_differ(layout):
    """Breaks if every pass repeats the first, or the seed is ignored."""
    first, second = ShuffledRows(N_ROWS, 3, **layout).rows(0, 2 * N_ROWS).reshape(2, N_ROWS)
    other_seed = ShuffledRows(N_ROWS, 4, **layout).rows(0, N_ROWS)
    for other in (second, other_seed, np.arange(N_ROWS)):
        # a random permutation has one fixed point on average
        assert (first == other).sum() < 20


def test_groups_read_few_blocks_at_a_time():
    """Breaks if grouping no longer bounds what must be in memory: 64 rows touch four blocks of 16."""
    order = ShuffledRows(1024, 0, group_rows=64, block_rows=16)
    groups = order.rows(0, 1024).reshape(16, 64)
    blocks = [np.unique(group // 16) for group in groups]
    assert all(len(block) == 4 for block in blocks)
    # blocks come in random order and rows are mixed inside the group
    assert any(np.ptp(block) > 4 for block in blocks)
    assert (np.diff(groups[0] // 16) != 0).sum() > 20


def test_shuffling_is_uniform():
    """Breaks if a position favours a row: 2000 passes over 10 rows, chi2 of the 100 counts (81 degrees of freedom)."""
    passes = ShuffledRows(10, 7).rows(0, 20_000).reshape(2000, 10)
    counts = np.array([np.bincount(column, minlength=10) for column in passes.T])
    assert 40 < ((counts - 200) ** 2 / 200).sum() < 140


def test_first_positions_never_change():
    """Breaks if the order changes between versions: runs could no longer be resumed as they began."""
    assert ShuffledRows(10, 1).rows(0, 10).tolist() == FIRST_TEN


def test_no_rows_is_a_data_error():
    """Breaks if an empty selection hangs the endless sequence."""
    with pytest.raises(DataError, match="no events to train on"):
        ShuffledRows(0, 1)


def test_replicas_share_each_minibatch_in_order():
    """Breaks when a replica gets whole minibatches, or the part of the other."""
    rows = np.arange(12)
    assert [replica_rows(rows, 4, index, 2).tolist() for index in (0, 1)] == [[0, 1, 4, 5, 8, 9], [2, 3, 6, 7, 10, 11]]


def test_only_showers_without_any_energy_count_as_empty():
    """Breaks when weak showers are left out of a training, or empty ones where a network has to make them."""
    total_mev = np.array([0.0, 0.3, 5.0, 0.0])
    source = SimpleNamespace(train_rows=np.array([3, 1, 0, 2]), total_energy_mev=total_mev.__getitem__)
    assert learnt_rows(source, SimpleNamespace(learns_empty=False)).tolist() == [1, 2]
    assert learnt_rows(source, SimpleNamespace(learns_empty=True)).tolist() == [3, 1, 0, 2]
