"""Isolated hot cells near the edge of an image."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.papers.isolated_cells import binomial_rate, isolated_cell_rate, isolated_cells


def shower(**cells: float) -> np.ndarray:
    """A 1000 MeV core in the middle of 30 x 30 cells, and further cells named ``r<row>c<column>``, MeV."""
    image = np.zeros((30, 30))
    image[14, 15] = 1000.0
    for name, energy in cells.items():
        row, column = name[1:].split("c")
        image[int(row), int(column)] = energy
    return image


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (shower(), []),
        (shower(r2c28=20.0), [(2, 28)]),
        (shower(r0c0=20.0), [(0, 0)]),
        (shower(r29c29=20.0, r25c4=6.0), [(25, 4), (29, 29)]),
        (shower(r4c15=20.0), [(4, 15)]),
        (shower(r5c15=20.0), []),  # sixth ring: not at the edge
        (shower(r2c28=4.9), []),  # too little in MeV
        (100 * shower(r2c28=0.9), []),  # 90 MeV, but too little of 100 GeV
        (shower(r2c28=20.0, r3c27=6.1), []),  # a diagonal neighbour with more than 0.3 of it: a small shower
        (shower(r2c28=20.0, r3c27=5.9), [(2, 28)]),
    ],
)
def test_cells_by_hand(image, expected):
    """Breaks if a border, a neighbour or a threshold is off by one."""
    found = isolated_cells(image[None])[0]
    assert [tuple(cell) for cell in np.argwhere(found).tolist()] == expected


def test_rate_counts_showers_not_cells():
    """Breaks if a shower with two such cells counts twice."""
    images = np.stack([shower(r0c0=20.0, r29c0=20.0), shower(), shower(), shower(r2c2=20.0)])
    rate = isolated_cell_rate(images)
    assert (rate.value, rate.n) == (0.5, 4)
    # Wilson with z = 1 by hand: middle 1/2, half sqrt(1/16 + 1/64) / 1.25
    assert rate.error == pytest.approx(np.sqrt(1 / 16 + 1 / 64) / 1.25)
    assert (rate.low + rate.high) / 2 == pytest.approx(0.5)


def test_error_does_not_vanish_at_zero():
    """Breaks if no outlier among a few showers counts as certainty."""
    rate = binomial_rate(0, 100)
    assert rate.value == 0.0
    assert rate.low == pytest.approx(0.0)
    assert rate.high == pytest.approx(1 / 101)


def test_isolated_cells_are_found_in_float32_images():
    """Breaks if single precision changes which cells count."""
    images = np.stack([shower(r2c28=20.0), shower(r2c28=20.0, r3c27=7.0)])
    assert np.array_equal(isolated_cells(images.astype(np.float32)), isolated_cells(images))


def test_bad_input_is_named():
    with pytest.raises(DataError, match=r"found shape \(2, 900\)"):
        isolated_cells(np.zeros((2, 900)))
    with pytest.raises(DataError, match="found no shower"):
        isolated_cell_rate(np.zeros((0, 30, 30)))
