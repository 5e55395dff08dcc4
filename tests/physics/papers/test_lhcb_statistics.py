"""The 24 numbers per shower against loops over single cells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calosim_tf.errors import ConfigError, DataError
from calosim_tf.physics.papers.lhcb_statistics import (
    BLOCK,
    PICTURE_STATISTICS,
    STATISTICS,
    shower_statistics,
    standardised,
)

CELLS = np.arange(30) - 14.5


def made_up(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images with falling energies around the middle, momenta of all signs, points of a few cm."""
    rng = np.random.default_rng(seed)
    fall = np.exp(-np.hypot(*np.meshgrid(CELLS, CELLS)) / 3.0)
    images = rng.gamma(0.5, 200.0, size=(n, 30, 30)) * fall
    pz = rng.uniform(2, 60, size=n)
    momentum = np.column_stack([*(rng.normal(0, 0.175, size=(2, n)) * pz), pz])
    return images, momentum, rng.normal(0, 2.6, size=(n, 2))


def authors_by_loops(image: np.ndarray, momentum: np.ndarray, point: np.ndarray) -> list[float]:
    """The published definition, cell by cell."""
    px, py, pz = momentum
    a, b = point[0] + 25 * px / pz, point[1] + 25 * py / pz

    def mask(slope: float, sign: float) -> np.ndarray:
        return np.array([[(CELLS[i] - b - slope * (CELLS[j] - a)) * sign >= 0 for j in range(30)] for i in range(30)])

    def asymmetry(upper: np.ndarray) -> float:
        return (image[upper].sum() - image[~upper].sum()) / image.sum()

    def width(upper: np.ndarray) -> float:
        weights, places = [], []
        for i in range(30):
            for j in range(30):
                right = j < 29 and upper[i, j] != upper[i, j + 1]
                below = i < 29 and upper[i, j] != upper[i + 1, j]
                if right or below:
                    weights.append(image[i, j])
                    places.append(CELLS[j] * math.sqrt(1 + (py / px) ** 2))
        weights, places = np.array(weights), np.array(places)
        norm = weights.sum() + 1e-5
        variance = (weights * places**2).sum() / norm - ((weights * places).sum() / norm) ** 2
        return math.sqrt(variance) if variance > 0 else 0.0

    return [
        asymmetry(mask(-px / py, 1 if py > 0 else -1)),
        asymmetry(mask(py / px, 1)),
        width(mask(px / py, 1 if py < 0 else -1)),
        width(mask(-py / px, 1)),
        *(np.count_nonzero(image >= t * image.sum()) / 900 for t in np.logspace(-5, -1, 20)),
    ]


def geometric_by_loops(image: np.ndarray, momentum: np.ndarray, point: np.ndarray, cell_cm: float) -> list[float]:
    """Rotate every cell into the frame of the trajectory."""
    px, py, pz = momentum
    angle = math.atan2(py, px)
    rows = []
    for i in range(30):
        for j in range(30):
            dx = CELLS[j] * cell_cm - (point[0] + 12.8 * px / pz)
            dy = CELLS[i] * cell_cm - (point[1] + 12.8 * py / pz)
            rotated = complex(dx, dy) * complex(math.cos(angle), -math.sin(angle))
            rows.append((image[i, j], rotated.real, rotated.imag))
    energy, along, across = np.array(rows).T
    asymmetries = [(energy[s > 0].sum() - energy[s < 0].sum()) / energy.sum() for s in (along, across)]
    widths = [math.sqrt(np.cov(s, aweights=energy, ddof=0)) for s in (along, across)]
    return [*asymmetries, *widths, *(np.mean(image >= t * image.sum()) for t in np.logspace(-5, -1, 20))]


def test_authors_mode_is_the_published_definition():
    """Breaks if a sign, slope, axis or constant differs from the definition, or its inconsistencies are repaired."""
    images, momentum, point = made_up(12)
    expected = [authors_by_loops(*event) for event in zip(images, momentum, point, strict=True)]
    assert np.allclose(shower_statistics(images, momentum, point), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("cell_cm", [2.02, 2.0])
def test_geometric_mode_rotates_into_the_trajectory(cell_cm):
    """Breaks if along and across are swapped, units are mixed, or the weights are lost."""
    images, momentum, point = made_up(12)
    expected = [geometric_by_loops(*event, cell_cm) for event in zip(images, momentum, point, strict=True)]
    found = shower_statistics(images, momentum, point, mode="geometric", cell_cm=cell_cm)
    assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_column_follows_x():
    """Breaks if x is taken along the rows: energy moved along the columns in the direction of flight is in front."""
    images = np.zeros((2, 30, 30))
    images[0, 14, 20], images[1, 20, 14] = 100.0, 100.0
    momentum, point = np.array([[1.0, 0.0, 20.0]] * 2), np.zeros((2, 2))
    geometric = shower_statistics(images, momentum, point, mode="geometric")
    assert geometric[:, 0].tolist() == [1.0, -1.0]  # in front of, and (at column 14, -0.5 cells) behind the point
    assert geometric[1, 1] == 1.0  # row 20: y > 0 is on the left of a particle that flies along x


def test_rotating_everything_changes_nothing_geometric():
    """Breaks if the definition depends on the orientation: a quarter turn of image, momentum and point together."""
    images, momentum, point = made_up(20)
    # (x, y) -> (-y, x); with row = y and column = x the image turns by rot90 with k = -1
    turned = np.rot90(images, k=-1, axes=(1, 2))
    turned_momentum = np.column_stack([-momentum[:, 1], momentum[:, 0], momentum[:, 2]])
    turned_point = np.column_stack([-point[:, 1], point[:, 0]])
    before = shower_statistics(images, momentum, point, mode="geometric")
    assert np.allclose(before, shower_statistics(turned, turned_momentum, turned_point, mode="geometric"))


@pytest.mark.parametrize("mode", ["authors", "geometric"])
def test_blocks_are_joined_in_order(mode):
    """Breaks if a block is lost or misplaced."""
    images, momentum, point = made_up(3)
    repeat = np.arange(BLOCK + 5) % 3
    many = shower_statistics(images[repeat], momentum[repeat], point[repeat], mode=mode)
    assert np.array_equal(many, shower_statistics(images, momentum, point, mode=mode)[repeat])


@pytest.mark.parametrize("mode", ["authors", "geometric"])
def test_degenerate_showers_have_numbers(mode):
    """Breaks if an empty shower, or a particle along the axis, gives NaN, infinity or a warning."""
    images, momentum, point = made_up(3)
    images[0] = 0.0
    momentum[1, :2] = 0.0
    momentum[2, 0] = 0.0
    statistics = shower_statistics(images, momentum, point, mode=mode)
    assert np.isfinite(statistics).all()
    assert statistics[0, :4].tolist() == [0.0] * 4
    # to the letter every cell of an empty shower reaches a threshold of 0
    assert statistics[0, 4:].tolist() == [1.0 if mode == "authors" else 0.0] * 20


def test_sparsity_falls_with_the_threshold_and_is_named():
    """Breaks if names and columns do not belong together."""
    image = np.zeros((1, 30, 30))
    image[0, 0, :3] = (0.989, 0.01, 0.001)
    statistics = shower_statistics(image, np.array([[1.0, 2.0, 9.0]]), np.zeros((1, 2)))[0]
    named = dict(zip(STATISTICS, statistics, strict=True))
    assert named["sparsity_1.0e-05"] == 3 / 900
    assert named["sparsity_1.0e-01"] == 1 / 900
    assert named[PICTURE_STATISTICS[4]] == 3 / 900
    assert PICTURE_STATISTICS[4] == "sparsity_7.8e-04"


def test_standardised_uses_the_reference_alone():
    """Breaks if each sample is scaled by itself, which hides a difference, or a constant column divides by 0."""
    reference, other = standardised(np.array([[0.0, 5.0], [2.0, 5.0]]), np.array([[4.0, 6.0]]))
    assert reference.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert other.tolist() == [[3.0, 1.0]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda images, momentum, point: (images[..., None], momentum, point), r"found shapes .*30, 30, 1\)"),
        (lambda images, momentum, point: (images, momentum[:, :2], point), r"found shapes"),
        (lambda images, momentum, point: (images * np.nan, momentum, point), "not a finite number"),
        (lambda images, momentum, point: (images, -momentum, point), "pz <= 0"),
    ],
)
def test_bad_input_is_named(change, message):
    """Breaks if a wrong array ends in a broadcast error or in NaN columns."""
    with pytest.raises(DataError, match=message):
        shower_statistics(*change(*made_up(2)))


def test_unknown_mode_is_named():
    with pytest.raises(ConfigError, match="mode 'paper' is unknown"):
        shower_statistics(*made_up(1), mode="paper")
