"""Histograms of the voxel energies of many samples of one set, in one pass over its showers (numpy only)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from calosim_tf.physics.observables.features import blocks

# Showers of one table of counts: 2 MB with 1000 edges
TABLE_ROWS = 256


def voxel_spectra(
    showers_mev: np.ndarray, wanted: Sequence[tuple[np.ndarray, np.ndarray]], n_groups: int = 1
) -> list[np.ndarray]:
    """Histograms of the voxel energies, kept apart for groups of showers so that the groups can be resampled.

    Voxels of one shower are correlated, so the uncertainty has to come from whole showers; shower i of a sample counts
    in group ``i modulo n_groups``.  Each voxel is looked up once among the edges of all samples, since showers that
    stay in a file are expensive to read.

    Parameters
    ----------
    showers_mev : ndarray, shape (n, n_voxels)
    wanted : sequence of (ndarray of int, ndarray)
        Rows of each sample, and its edges of shape (b + 1,): increasing, MeV.  A value on an edge counts above it, on
        the last edge below it, values outside nowhere.
    n_groups : int

    Returns
    -------
    list of ndarray of int, shape (n_groups, b)
    """
    # a value on the last edge is below the next larger number
    upto = [np.append(edges[:-1], np.nextafter(edges[-1], np.inf)) for _, edges in wanted]
    every_edge = np.unique(np.concatenate(upto))
    columns = [np.searchsorted(every_edge, edges) for edges in upto]
    read = np.unique(np.concatenate([rows for rows, _ in wanted]))
    places = [np.searchsorted(read, rows) for rows, _ in wanted]
    spectra = [np.zeros((n_groups, len(edges) - 1)) for edges in upto]
    for first, block in _small_blocks(showers_mev, read):
        below = _counts_below(block, every_edge)
        for spectrum, at, column in zip(spectra, places, columns, strict=True):
            here = np.flatnonzero((at >= first) & (at < first + len(block)))
            counts = np.diff(below[np.ix_(at[here] - first, column)], axis=1)
            # a product of matrices adds up the showers of each group; whole numbers stay exact
            spectrum += np.eye(n_groups)[:, here % n_groups] @ counts
    return [spectrum.astype(np.int64) for spectrum in spectra]


def _small_blocks(showers_mev: np.ndarray, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Place of the first and showers of each block, few enough for a table of all edges near the processor."""
    for place, block in blocks(showers_mev, rows):
        for start in range(0, len(block), TABLE_ROWS):
            yield place.start + start, block[start : start + TABLE_ROWS]


def _counts_below(block: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Voxels of each shower from the first edge to below each edge: shape (n, len(edges))."""
    inside = block >= edges[0]
    bins = np.searchsorted(edges, block[inside], side="right")
    shower = np.repeat(np.arange(len(block)) * (len(edges) + 1), np.count_nonzero(inside, axis=1))
    counts = np.bincount(shower + bins, minlength=len(block) * (len(edges) + 1))
    return np.cumsum(counts.reshape(len(block), -1), axis=1)[:, :-1]
