"""What the 3DGAN papers measure on showers of (x, y, z) cells (arXiv 2105.08960, section 5.2; authors' code).

Cells are in GeV; ``images`` have shape (n, x, y, z).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError

AXES = ("x", "y", "z")
# Section 5.2: cells below are left out of everything but the cell spectrum
THRESHOLD_GEV = 1e-5
# Figure 8
WINDOW_CENTRES_GEV = (50.0, 200.0, 500.0)
WINDOW_HALF_WIDTH_GEV = 2.0
# Authors' code: energies at which the epoch is chosen, in addition to all together
SELECTION_CENTRES_GEV = (50.0, 100.0, 200.0, 250.0, 300.0, 400.0, 500.0)
SELECTION_HALF_WIDTH_GEV = 5.0
# Cell spectrum of figure 7: from well below the threshold to the hottest cell of 500 GeV
SPECTRUM_EDGES_GEV = np.logspace(-8, 1, 91)
CORE = 0.9
# Our choice: fewer showers have no meaningful core
FEWEST = 10


def above_threshold(images: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> np.ndarray:
    """Images with the cells at or below the threshold set to 0."""
    return np.where(images > threshold_gev, images, 0.0)


def projections(images: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> tuple[np.ndarray, ...]:
    """Mean energy per slice along x, y and z, GeV: three arrays of the length of that axis."""
    mean = above_threshold(images, threshold_gev).mean(axis=0, dtype=np.float64)
    return tuple(mean.sum(axis=tuple(other for other in range(3) if other != axis)) for axis in range(3))


def shower_projections(images: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> tuple[np.ndarray, ...]:
    """Energy per slice of each shower along x, y and z, GeV: three arrays (n, length of that axis)."""
    kept = above_threshold(images, threshold_gev)
    others = ((2, 3), (1, 3), (1, 2))
    return tuple(kept.sum(axis=summed, dtype=np.float64) for summed in others)


@dataclass(frozen=True)
class ProjectionMse:
    """Mean squared difference of the projections, in three normalisations, since the paper does not give its own.

    Attributes
    ----------
    bin_mean : float
        Mean over the bins of an axis, summed over the axes, GeV^2.
    bin_sum : float
        Sum over all bins of all axes, GeV^2.
    unit : float
        As ``bin_mean``, of projections that are scaled to a sum of 1.
    per_axis : tuple of float
        The parts of ``bin_mean`` along x, y, z.
    """

    bin_mean: float
    bin_sum: float
    unit: float
    per_axis: tuple[float, float, float]


def projection_mse(reference: np.ndarray, generated: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> ProjectionMse:
    """Figure of merit of table 2; both samples must have the same incident energies.

    Raises
    ------
    DataError
        A sample has no energy above the threshold.
    """
    expected, found = (projections(images, threshold_gev) for images in (reference, generated))
    if min(float(profiles[0].sum()) for profiles in (expected, found)) <= 0.0:
        raise DataError(f"projection MSE: found a sample without a cell above {threshold_gev:g} GeV")
    return mse_of_projections(expected, found)


def mse_of_projections(expected: tuple[np.ndarray, ...], found: tuple[np.ndarray, ...]) -> ProjectionMse:
    """As :func:`projection_mse`, from the mean projections of two samples that are not empty."""
    pairs = list(zip(expected, found, strict=True))
    squares = [(a - b) ** 2 for a, b in pairs]
    unit_squares = [(a / a.sum() - b / b.sum()) ** 2 for a, b in pairs]
    per_axis = tuple(float(square.mean()) for square in squares)
    return ProjectionMse(
        bin_mean=sum(per_axis),
        bin_sum=float(sum(square.sum() for square in squares)),
        unit=float(sum(square.mean() for square in unit_squares)),
        per_axis=per_axis,
    )


@dataclass(frozen=True)
class SelectionNumber:
    """The authors' criterion for an epoch: relative differences of moments and projections.

    Attributes
    ----------
    position : float
        Mean relative difference of barycentre and variance per axis.
    profile : float
        Mean relative difference of the bins of the projections.
    n_windows : int
        Energy windows that held showers of both samples, all energies together included.
    """

    position: float
    profile: float
    n_windows: int

    @property
    def clean(self) -> float:
        """Sum of both parts."""
        return self.position + self.profile

    @property
    def as_coded(self) -> float:
        """What the authors' code compares: a repeated block adds the moments twice, and they alone are returned."""
        return 2.0 * self.position


def selection_number(
    reference: np.ndarray, generated: np.ndarray, reference_energy_gev: np.ndarray, generated_energy_gev: np.ndarray
) -> SelectionNumber:
    """Average over all energies together and the windows of 50 to 500 GeV +-5 GeV that hold showers of both samples.

    Parameters
    ----------
    reference, generated : ndarray, shape (n, x, y, z), (m, x, y, z)
    reference_energy_gev, generated_energy_gev : ndarray, shape (n,), (m,)

    Raises
    ------
    DataError
        A sample holds no shower with energy.
    """
    windows = [(np.ones(len(reference), dtype=bool), np.ones(len(generated), dtype=bool))]
    for centre in SELECTION_CENTRES_GEV:
        masks = [
            in_window(energy, centre, SELECTION_HALF_WIDTH_GEV)
            for energy in (reference_energy_gev, generated_energy_gev)
        ]
        if masks[0].any() and masks[1].any():
            windows.append((masks[0], masks[1]))
    errors = [_selection_errors(reference[rows], generated[columns]) for rows, columns in windows]
    position, profile = np.mean(errors, axis=0)
    return SelectionNumber(float(position), float(profile), len(windows))


def _selection_errors(reference: np.ndarray, generated: np.ndarray) -> tuple[float, float]:
    position = []
    for expected, found in zip(mean_moments(reference), mean_moments(generated), strict=True):
        position.append(np.abs((expected - found) / expected))
    profile = []
    for expected, found in zip(projections(reference, 0.0), projections(generated, 0.0), strict=True):
        filled = expected > 0.0
        profile.append(np.mean(np.abs(expected - found)[filled] / expected[filled]))
    return float(np.mean(position)), float(np.mean(profile))


def mean_moments(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Barycentre and variance along x, y, z, in cells from 0 and cells squared, averaged over showers with energy.

    Returns
    -------
    barycentre, variance : ndarray, shape (3,)

    Raises
    ------
    DataError
        No shower has energy.
    """
    total = images.sum(axis=(1, 2, 3), dtype=np.float64)
    filled = total > 0.0
    if not filled.any():
        raise DataError(f"shower moments: found {len(images)} showers without energy, expected some with it")
    first, second = [], []
    for axis in range(3):
        others = tuple(other + 1 for other in range(3) if other != axis)
        profile = images[filled].sum(axis=others, dtype=np.float64) / total[filled, np.newaxis]
        place = np.arange(profile.shape[1])
        centre = profile @ place
        first.append(centre.mean())
        second.append((profile @ place**2 - centre**2).mean())
    return np.array(first), np.array(second)


def cell_spectrum(images: np.ndarray, edges_gev: np.ndarray = SPECTRUM_EDGES_GEV) -> np.ndarray:
    """Cells per shower and bin of cell energy, shape (len(edges_gev) - 1,); no threshold."""
    return np.histogram(images, bins=edges_gev)[0] / len(images)


def hits(images: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> np.ndarray:
    """Cells above the threshold, shape (n,)."""
    return np.count_nonzero(images > threshold_gev, axis=(1, 2, 3))


def total_energy_gev(images: np.ndarray, threshold_gev: float = THRESHOLD_GEV) -> np.ndarray:
    """Sum of the cells above the threshold, GeV, shape (n,)."""
    return above_threshold(images, threshold_gev).sum(axis=(1, 2, 3), dtype=np.float64)


def sampling_fraction(
    images: np.ndarray, incident_energy_gev: np.ndarray, threshold_gev: float = THRESHOLD_GEV
) -> np.ndarray:
    """Total over incident energy, shape (n,)."""
    return total_energy_gev(images, threshold_gev) / incident_energy_gev


def in_window(
    incident_energy_gev: np.ndarray, centre_gev: float, half_width_gev: float = WINDOW_HALF_WIDTH_GEV
) -> np.ndarray:
    """Mask of the showers within ``half_width_gev`` of an energy, ends included, shape (n,)."""
    return np.abs(np.asarray(incident_energy_gev) - centre_gev) <= half_width_gev


@dataclass(frozen=True)
class Core90:
    """Mean and width of the shortest interval that holds 90 % of the showers, with their errors."""

    mean: float
    mean_error: float
    width: float
    width_error: float

    @property
    def relative_width(self) -> float:
        """Width over mean (figure 9, right)."""
        return self.width / self.mean

    @property
    def relative_width_error(self) -> float:
        """Error of :attr:`relative_width`, mean and width taken as independent."""
        return self.relative_width * float(np.hypot(self.width_error / self.width, self.mean_error / self.mean))


def fit90(values: np.ndarray) -> Core90:
    """mu90 and sigma90 (figure 9, in the format of Buhmann et al. 2020).

    Parameters
    ----------
    values : ndarray, shape (n,)
        Total energies of one incident energy; sigma90 of a normal distribution is 0.789 of its width.

    Raises
    ------
    DataError
        Fewer than 10 showers.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    if len(ordered) < FEWEST:
        raise DataError(f"mu90, sigma90: found {len(ordered)} showers, expected at least {FEWEST}")
    inside = int(np.ceil(CORE * len(ordered)))
    first = int(np.argmin(ordered[inside - 1 :] - ordered[: len(ordered) - inside + 1]))
    core = ordered[first : first + inside]
    mean, width = float(core.mean()), float(core.std())
    return Core90(mean, width / np.sqrt(inside), width, width / np.sqrt(2 * inside))


def fit90_if_possible(values: np.ndarray) -> Core90 | None:
    """As :func:`fit90`; None for fewer than 10 showers, and where mean or width are not above 0."""
    if len(values) < FEWEST:
        return None
    core = fit90(values)
    return core if core.mean > 0.0 and core.width > 0.0 else None
