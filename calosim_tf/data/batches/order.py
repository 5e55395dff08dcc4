"""Training order as a pure function of (seed, position) (no TensorFlow)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from calosim_tf.errors import DataError

BLOCK_ROWS = 4096

# Separates these random numbers from others drawn with the same seed.
_KEY_DOMAIN = 0x5348_5546  # "SHUF"
_BLOCK_STREAM = 0
_FIRST_GROUP_STREAM = 1


class ShuffledRows:
    """Endless sequence of row positions: one permutation of all rows after another, none cut short.

    Without groups each pass is a permutation of the whole set.  With groups, blocks of contiguous rows are permuted
    and rows are shuffled inside groups of blocks, so that reading from disk is nearly sequential.  The sequence
    depends on the arguments alone; permutations sort raw Philox numbers, which no numpy version may change.

    Parameters
    ----------
    n_rows_train : int
        Number of rows, at least 1.
    seed : int
        Non-negative, below 2**64.
    group_rows : int, optional
        Rows that are shuffled together, rounded up to whole blocks; None shuffles the whole set.
    block_rows : int
        Contiguous rows that stay in one group.
    sequence : int
        Sequences of one seed with different numbers are independent.
    """

    def __init__(
        self,
        n_rows_train: int,
        seed: int,
        group_rows: int | None = None,
        block_rows: int = BLOCK_ROWS,
        sequence: int = 0,
    ):
        if n_rows_train < 1:
            raise DataError("the selection has no events to train on; widen the energy range or hold out less")
        self._n_rows = n_rows_train
        self._key = [seed, _KEY_DOMAIN + sequence]
        grouped = group_rows is not None and group_rows < n_rows_train
        self._block_rows = block_rows if grouped else n_rows_train
        self._group_blocks = math.ceil(group_rows / block_rows) if grouped else 1
        self._pass_number = -1
        self._blocks = np.empty(0, dtype=np.int64)
        self._group_starts = np.empty(0, dtype=np.int64)
        self._group_key = (-1, -1)
        self._group = np.empty(0, dtype=np.int64)

    def rows(self, start: int, count: int) -> np.ndarray:
        """Positions ``start`` ... ``start + count - 1`` of the sequence.

        Returns
        -------
        ndarray of int64, shape (count,), values in [0, n_rows_train)
        """
        result = np.empty(count, dtype=np.int64)
        filled = 0
        while filled < count:
            pass_number, offset = divmod(start + filled, self._n_rows)
            part = self._rest_of_group(pass_number, offset)[: count - filled]
            result[filled : filled + len(part)] = part
            filled += len(part)
        return result

    def _rest_of_group(self, pass_number: int, offset: int) -> np.ndarray:
        """Rows of one pass from ``offset`` to the end of the group that it falls into."""
        if pass_number != self._pass_number:
            self._begin_pass(pass_number)
        group = int(np.searchsorted(self._group_starts, offset, side="right")) - 1
        if (pass_number, group) != self._group_key:
            blocks = self._blocks[group * self._group_blocks : (group + 1) * self._group_blocks]
            first = blocks * self._block_rows
            last = np.minimum(first + self._block_rows, self._n_rows)
            members = np.concatenate([np.arange(*edges) for edges in zip(first, last, strict=True)])
            self._group = members[self._permutation(pass_number, _FIRST_GROUP_STREAM + group, len(members))]
            self._group_key = (pass_number, group)
        return self._group[offset - self._group_starts[group] :]

    def _begin_pass(self, pass_number: int) -> None:
        n_blocks = math.ceil(self._n_rows / self._block_rows)
        self._blocks = self._permutation(pass_number, _BLOCK_STREAM, n_blocks)
        sizes = np.minimum(self._block_rows, self._n_rows - self._blocks * self._block_rows)
        self._group_starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])[:: self._group_blocks]
        self._pass_number = pass_number

    def _permutation(self, pass_number: int, stream: int, length: int) -> np.ndarray:
        # The two upper counter words name the stream: streams are 2^128 draws apart and never meet.
        draws = np.random.Philox(key=self._key, counter=[0, 0, stream, pass_number]).random_raw(length)
        return np.argsort(draws, kind="stable")


class BalancedRows:
    """Endless sequence in which the groups of showers take turns: each group has a sequence of its own.

    Any number of consecutive rows that is a multiple of the number of groups holds every group alike.

    Parameters
    ----------
    groups : sequence of ndarray of int64
        Row positions of each group, not empty.
    seed : int
        As for :class:`ShuffledRows`.
    """

    def __init__(self, groups: Sequence[np.ndarray], seed: int):
        self._groups = list(groups)
        self._orders = [ShuffledRows(len(rows), seed, sequence=number + 1) for number, rows in enumerate(groups)]

    def rows(self, start: int, count: int) -> np.ndarray:
        """As :meth:`ShuffledRows.rows`; position p belongs to group p modulo the number of groups."""
        number = len(self._groups)
        result = np.empty(count, dtype=np.int64)
        for index, (rows, order) in enumerate(zip(self._groups, self._orders, strict=True)):
            own = np.arange((index - start) % number, count, number)
            if len(own):
                result[own] = rows[order.rows((start + int(own[0])) // number, len(own))]
        return result


def replica_rows(rows: np.ndarray, minibatch: int, index: int, number: int) -> np.ndarray:
    """Rows of one replica: an equal part of each minibatch, in order.

    Parameters
    ----------
    rows : ndarray, shape (k * minibatch,)
        Consecutive minibatches of all replicas together.
    minibatch : int
        A multiple of ``number``.
    index, number : int
        Which of how many replicas.
    """
    part = minibatch // number
    return rows.reshape(-1, minibatch)[:, index * part : (index + 1) * part].ravel()
