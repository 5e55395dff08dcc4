"""Showers of (x, y, z) cells against incident energy: figures 8 and 9 of arXiv 2105.08960."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.physics.observables.energies import EnergyGroups, group_energies
from calosim_tf.physics.papers.cubes import MEV_PER_GEV
from calosim_tf.physics.papers.three_d_gan import (
    WINDOW_CENTRES_GEV,
    WINDOW_HALF_WIDTH_GEV,
    Core90,
    fit90_if_possible,
    in_window,
)

# Our choice: as many showers of both samples, or a published window counts as not reached
FEWEST_IN_WINDOW = 10
# Our choice: points of the curve for continuous energies
CURVE_RANGES = 10


@dataclass(frozen=True, eq=False)
class EnergyWindow:
    """Showers of both samples near one incident energy: row numbers of shape (n,), (m,)."""

    centre_gev: float
    half_width_gev: float
    reference_rows: np.ndarray
    generated_rows: np.ndarray

    @property
    def label(self) -> str:
        """``50 ± 2 GeV``."""
        return f"{self.centre_gev:.4g} ± {self.half_width_gev:g} GeV"


@dataclass(frozen=True)
class Windows:
    """Windows with showers of both samples, and in words where they are not the published ones."""

    windows: tuple[EnergyWindow, ...]
    note: str | None


def energy_windows(
    reference_energy_gev: np.ndarray, generated_energy_gev: np.ndarray, half_width_gev: float = WINDOW_HALF_WIDTH_GEV
) -> Windows:
    """Windows around 50, 200 and 500 GeV if the data reach all of them, else around three energies inside their range.

    Parameters
    ----------
    reference_energy_gev, generated_energy_gev : ndarray, shape (n,), (m,)
    half_width_gev : float
    """

    def window(centre: float) -> EnergyWindow:
        rows = (
            np.flatnonzero(in_window(energy, centre, half_width_gev))
            for energy in (reference_energy_gev, generated_energy_gev)
        )
        return EnergyWindow(float(centre), half_width_gev, *rows)

    def filled(centres) -> tuple[EnergyWindow, ...]:
        found = map(window, centres)
        return tuple(w for w in found if min(len(w.reference_rows), len(w.generated_rows)) >= FEWEST_IN_WINDOW)

    windows = filled(WINDOW_CENTRES_GEV)
    if len(windows) == len(WINDOW_CENTRES_GEV):
        return Windows(windows, None)
    low, high = float(reference_energy_gev.min()), float(reference_energy_gev.max())
    places = (np.arange(len(WINDOW_CENTRES_GEV)) + 0.5) / len(WINDOW_CENTRES_GEV)
    windows = filled(low + places * (high - low))
    published = ", ".join(f"{centre:g}" for centre in WINDOW_CENTRES_GEV)
    note = (
        f"the data reach from {low:.4g} to {high:.4g} GeV, not all of the published {published} GeV: "
        "windows at evenly placed energies instead"
    )
    if len(windows) < len(WINDOW_CENTRES_GEV):
        note += f", {len(windows)} of {len(WINDOW_CENTRES_GEV)} with at least {FEWEST_IN_WINDOW} showers of both"
    return Windows(windows, note)


@dataclass(frozen=True)
class CurvePoint:
    """Core of visible over incident energy in one range of incident energy; None where it is not defined."""

    low_gev: float
    high_gev: float
    n_reference: int
    n_generated: int
    reference: Core90 | None
    generated: Core90 | None

    @property
    def energy_gev(self) -> float:
        """Middle of the range."""
        return 0.5 * (self.low_gev + self.high_gev)


def response_curve(
    reference_fraction: np.ndarray,
    reference_energy_gev: np.ndarray,
    generated_fraction: np.ndarray,
    generated_energy_gev: np.ndarray,
) -> tuple[CurvePoint, ...]:
    """mu90 and sigma90 of visible over incident energy (figure 9).

    The energies of 3DGAN are continuous: with the visible energy itself the width of a range would count as
    resolution.  Single energies are taken where there are few, else ten ranges of equal width.

    Parameters
    ----------
    reference_fraction, reference_energy_gev : ndarray, shape (n,)
    generated_fraction, generated_energy_gev : ndarray, shape (m,)
    """
    groups = group_energies(MEV_PER_GEV * reference_energy_gev)
    if not groups.discrete:
        edges = np.linspace(groups.low_mev[0], groups.high_mev[-1], CURVE_RANGES + 1)
        groups = EnergyGroups(edges[:-1], edges[1:], discrete=False)
    rows = [groups.rows(MEV_PER_GEV * energy) for energy in (reference_energy_gev, generated_energy_gev)]
    points = []
    for number, (real, made) in enumerate(zip(*rows, strict=True)):
        ends = (groups.low_mev[number] / MEV_PER_GEV, groups.high_mev[number] / MEV_PER_GEV)
        cores = (fit90_if_possible(reference_fraction[real]), fit90_if_possible(generated_fraction[made]))
        points.append(CurvePoint(*map(float, ends), len(real), len(made), *cores))
    return tuple(points)
