"""24 numbers per shower of the LHCb-like calorimeter: asymmetries, widths and sparsity.

Ratnikov and Rogachev (section 3.3) name them; the definition is that of the public evaluation code of Sergeev et al.
(``mode="authors"``), whose inconsistencies are listed at :func:`shower_statistics`.  ``mode="geometric"`` follows the
text of the paper, in centimetres.

Axes: ``image[row, column]``, the row follows y and the column follows x.  This is the convention of the evaluation code
and of the released generators.  The public simulation writes x along axis 0, and so does the EGSnrc sample.  There the
energy centre along axis 0 is 1.03 x + 12.9 cm px/pz, without correlation with y; along axis 1 it is 1.03 y + 12.8 cm
py/pz (cells of 20.2 mm).  Such images have to be transposed by their reader.
"""

from __future__ import annotations

import numpy as np

from calosim_tf.errors import ConfigError, DataError

MODES = ("authors", "geometric")
N_CELLS = 30
# Simulation of the public set: modules of 121.2 mm with 6 cells each (the paper: 2 cm; so in the EGSnrc sample).
CELL_CM = 2.02
# Shares of the total energy from which a cell counts, authors' evaluation code.
SPARSITY_SHARES = np.logspace(-5, -1, 20)
# Distance along the axis of the calorimeter at which the trajectory meets the image, authors' evaluation code.
AUTHORS_DEPTH_CM = 25.0
# The same where the shower really is: slope of the energy centre against px/pz in the EGSnrc sample.
GEOMETRIC_DEPTH_CM = 12.8
# Authors' evaluation code: keeps the width of an empty boundary finite.
WIDTH_EPSILON = 1e-5
# Our guard: the authors divide by px and by py; a component that is exactly 0 is replaced by this.
SMALLEST_MOMENTUM_GEV = 1e-9

SHAPES = ("longitudinal_asymmetry", "transverse_asymmetry", "width_along", "width_across")
STATISTICS = (*SHAPES, *(f"sparsity_{share:.1e}" for share in SPARSITY_SHARES))
# The five quantities of the paper; for sparsity, our choice, the tenth of its 20 thresholds (7.8e-4 of the total).
PICTURE_STATISTICS = (*SHAPES, STATISTICS[len(SHAPES) + 9])

# Showers per block: a block's grids of 30 x 30 numbers stay within some 10 MB each.
BLOCK = 1024


def shower_statistics(
    images_mev: np.ndarray,
    momentum_gev: np.ndarray,
    point_cm: np.ndarray,
    *,
    mode: str = "authors",
    cell_cm: float = CELL_CM,
) -> np.ndarray:
    """The 24 columns named in ``STATISTICS``.

    Parameters
    ----------
    images_mev : ndarray, shape (n, 30, 30)
        Row follows y, column follows x.
    momentum_gev : ndarray, shape (n, 3)
        px, py, pz.
    point_cm : ndarray, shape (n, 2)
        Where the particle meets the front face.
    mode : {"authors", "geometric"}
        ``authors``: the published definition to the letter. Its grid is in cells, while the point is in cm and
        projected by 25 cm. The asymmetries take the trajectory's slope to be py/px, the widths px/py. A width uses only
        cells on a line and only their column, times sqrt(1 + (py/px)^2), which has no bound for px -> 0. Guarded here
        is only what has no value: a component of the momentum that is exactly 0, and the asymmetry of an empty shower,
        which is 0.
        ``geometric``: one trajectory line, everything in cm. The image is cut by the line across the trajectory
        (longitudinal asymmetry: forward minus backward energy over the sum) and by the trajectory itself (transverse:
        left minus right); widths are the energy-weighted RMS along and across the trajectory. An empty shower has
        zeros.
    cell_cm : float
        Pitch of the cells, ``geometric`` only.

    Returns
    -------
    ndarray, shape (n, 24), float64
        Asymmetries and sparsities without unit; widths in cells (``authors``) or cm (``geometric``).

    Raises
    ------
    ConfigError
        If the mode is unknown.
    DataError
        If shapes do not agree, a value is not a finite number, or a particle does not fly forwards.
    """
    if mode not in MODES:
        raise ConfigError(f"shower statistics: mode {mode!r} is unknown, use one of {', '.join(MODES)}")
    images, momentum, point = _checked(images_mev, momentum_gev, point_cm)
    blocks = [slice(start, start + BLOCK) for start in range(0, len(images), BLOCK)]
    statistics = np.empty((len(images), len(STATISTICS)))
    for rows in blocks:
        image = images[rows].astype(np.float64)
        if mode == "authors":
            shapes = _authors_shapes(image, momentum[rows], point[rows])
        else:
            shapes = _geometric_shapes(image, momentum[rows], point[rows], cell_cm)
        statistics[rows] = np.column_stack([*shapes, _sparsity(image, empty_counts=mode == "authors")])
    return statistics


def standardised(reference: np.ndarray, *others: np.ndarray) -> list[np.ndarray]:
    """Columns with the reference's mean 0 and standard deviation 1, for the reference and each other sample.

    A column that is constant in the reference is only shifted.
    """
    mean, deviation = reference.mean(axis=0), reference.std(axis=0)
    deviation = np.where(deviation > 0, deviation, 1.0)
    return [(sample - mean) / deviation for sample in (reference, *others)]


def _checked(*arrays: np.ndarray) -> list[np.ndarray]:
    images, momentum, point = (np.asarray(array) for array in arrays)
    expected = ((len(images), N_CELLS, N_CELLS), (len(images), 3), (len(images), 2))
    found = (images.shape, momentum.shape, point.shape)
    if found != expected:
        raise DataError(f"images, momenta and points: found shapes {found}, expected {expected}")
    if not all(np.isfinite(array).all() for array in (images, momentum, point)):
        raise DataError("images, momenta and points: found a value that is not a finite number")
    if not (momentum[:, 2] > 0).all():
        raise DataError("momenta: found pz <= 0, expected particles that fly towards the calorimeter")
    return [images, momentum.astype(np.float64), point.astype(np.float64)]


def _grid(pitch: float) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the cell centres, each of shape (30, 30)."""
    centres = (np.arange(N_CELLS) - (N_CELLS - 1) / 2) * pitch
    return np.meshgrid(centres, centres)


def _share(part: np.ndarray, total: np.ndarray) -> np.ndarray:
    return np.divide(part, total, out=np.zeros_like(part), where=total != 0)


def _sparsity(images: np.ndarray, empty_counts: bool) -> np.ndarray:
    """Share of cells at or above each threshold, shape (n, 20); to the letter, all cells of an empty shower are."""
    total = images.sum(axis=(1, 2))
    above = [(images >= (share * total)[:, None, None]).mean(axis=(1, 2)) for share in SPARSITY_SHARES]
    columns = np.stack(above, axis=1)
    return columns if empty_counts else np.where(images.any(axis=(1, 2))[:, None], columns, 0.0)


def _authors_shapes(images: np.ndarray, momentum: np.ndarray, point: np.ndarray) -> list[np.ndarray]:
    x, y = _grid(1.0)
    px, py = np.where(momentum[:, :2] == 0, SMALLEST_MOMENTUM_GEV, momentum[:, :2]).T
    centre = point + AUTHORS_DEPTH_CM * momentum[:, :2] / momentum[:, 2:]

    def side(slope: np.ndarray, sign: np.ndarray | float) -> np.ndarray:
        """1 on the side of a line through ``centre`` that ``sign`` picks, the line included, else 0."""
        line = slope[:, None, None] * (x - centre[:, 0, None, None]) + centre[:, 1, None, None]
        return ((y - line) * np.broadcast_to(sign, len(slope))[:, None, None] >= 0).astype(np.float64)

    def asymmetry(mask: np.ndarray) -> np.ndarray:
        return _share((images * (2 * mask - 1)).sum(axis=(1, 2)), images.sum(axis=(1, 2)))

    def width(mask: np.ndarray) -> np.ndarray:
        crossed = np.zeros_like(mask)
        crossed[:, :, :-1] += np.abs(np.diff(mask, axis=2))
        crossed[:, :-1, :] += np.abs(np.diff(mask, axis=1))
        weight = images * np.minimum(crossed, 1)
        position = x * np.sqrt(1 + (py / px) ** 2)[:, None, None]
        norm = weight.sum(axis=(1, 2)) + WIDTH_EPSILON
        mean = (weight * position).sum(axis=(1, 2)) / norm
        variance = (weight * position**2).sum(axis=(1, 2)) / norm - mean**2
        return np.sqrt(np.maximum(variance, 0.0))  # the authors turn the root of a negative number to 0

    return [
        asymmetry(side(-px / py, np.where(py > 0, 1.0, -1.0))),
        asymmetry(side(py / px, 1.0)),
        width(side(px / py, np.where(py < 0, 1.0, -1.0))),
        width(side(-py / px, 1.0)),
    ]


def _geometric_shapes(images: np.ndarray, momentum: np.ndarray, point: np.ndarray, cell_cm: float) -> list[np.ndarray]:
    x, y = _grid(cell_cm)
    transverse = np.hypot(momentum[:, 0], momentum[:, 1])
    # a particle along the axis has no direction of inclination: x is taken
    cosine, sine = np.where(
        transverse > 0, momentum[:, :2].T / np.where(transverse > 0, transverse, 1.0), np.array([[1.0], [0.0]])
    )
    centre = point + GEOMETRIC_DEPTH_CM * momentum[:, :2] / momentum[:, 2:]
    dx, dy = (grid - centre[:, i, None, None] for i, grid in enumerate((x, y)))
    cosine, sine = cosine[:, None, None], sine[:, None, None]
    along, across = dx * cosine + dy * sine, dy * cosine - dx * sine  # (n, 30, 30), cm
    total = images.sum(axis=(1, 2))

    def asymmetry(position: np.ndarray) -> np.ndarray:
        return _share((images * np.sign(position)).sum(axis=(1, 2)), total)

    def width(position: np.ndarray) -> np.ndarray:
        mean = _share((images * position).sum(axis=(1, 2)), total)
        squares = (images * (position - mean[:, None, None]) ** 2).sum(axis=(1, 2))
        return np.sqrt(np.maximum(_share(squares, total), 0.0))  # negative cells may leave a negative sum

    return [asymmetry(along), asymmetry(across), width(along), width(across)]
