"""The chi2 per degree of freedom of the total energy that chooses the checkpoint.

Definition of the CaloShowerGAN authors (talk at the CaloChallenge workshop, May 2023, and their public code).  For
each incident energy, with the total energies in GeV and no voxel threshold:

1. range from the reference alone: ``high = median + min(|max - median|, 2 |q95 - median|, 10 |q84 - median|)`` and
   ``low = median - min(|min - median|, 2 |q05 - median|, 10 |q84 - median|)`` (q84 on both sides);
2. the centres of 30 equal cells of [low, high], rounded to 3 decimals, are the edges of 29 bins; entries outside are
   clipped into the end bins;
3. ``chi2 = sum (W1 y2 - W2 y1)^2 / (W1^2 y2 + W2^2 y1)`` over the bins that are not empty in both, and
   ``NDF = 29 - 1 - (bins empty in both)``.  ``y1, W1`` are the counts and their sum in the reference, ``y2, W2`` those
   in the generated set.

The total is the sum of chi2 over the sum of NDF.  Its expected value is 1 for equal distributions; for unequal ones it
grows with the number of showers, so a value means something only together with its N.

Continuous incident energies are cut into ranges (our extension): each total energy is first scaled from its own
incident energy to that of its range, so that the response is compared and not the spectrum.  Edges are then not
rounded.

Distributions narrower than some 30 MeV: the rounding to 1 MeV makes neighbouring edges equal.  The definition is kept
literally (numpy takes non-decreasing edges): a bin of zero width holds nothing in either set, so it is empty in both
and reduces the NDF by one.  Only the last bin, which is closed on both sides, catches entries equal to its edge and so
everything clipped down to it.  If all edges coincide there is no information left: chi2 = 0 with NDF = 0, and an energy
like that has no value (NaN).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError, NonFiniteError
from calosim_tf.physics.observables.energies import EnergyGroups, group_energies, require_no_missing

N_EDGES = 30
EDGE_DECIMALS = 3


@dataclass(frozen=True, eq=False)
class Chi2Row:
    """chi2 of one incident energy.

    Attributes
    ----------
    energy_mev : float
        Incident energy (geometric centre of the range for continuous energies), MeV.
    lo, hi : float
        Range [low, high] of the total energy, GeV.
    edges : ndarray, shape (30,)
        Bin edges, GeV, rounded to 3 decimals.
    reference_counts, generated_counts : ndarray, shape (29,)
    chi2 : float
    ndf : int
    n_reference, n_generated : int
        Number of showers.
    """

    energy_mev: float
    lo: float
    hi: float
    edges: np.ndarray
    reference_counts: np.ndarray
    generated_counts: np.ndarray
    chi2: float
    ndf: int
    n_reference: int
    n_generated: int

    @property
    def value(self) -> float:
        """chi2/NDF, NaN without a degree of freedom."""
        return self.chi2 / self.ndf if self.ndf else float("nan")


@dataclass(frozen=True, eq=False)
class Chi2Table:
    """chi2 per incident energy and the sums over energies.

    Attributes
    ----------
    rows : tuple of Chi2Row
        In increasing order of energy.
    discrete : bool
        False if the incident energies are continuous and the rows are ranges of equal width in log energy.
    """

    rows: tuple[Chi2Row, ...]
    discrete: bool = True

    @property
    def chi2(self) -> float:
        return float(sum(row.chi2 for row in self.rows))

    @property
    def ndf(self) -> int:
        return sum(row.ndf for row in self.rows)

    @property
    def value(self) -> float:
        """Sum of chi2 over sum of NDF, NaN without a degree of freedom."""
        return self.chi2 / self.ndf if self.ndf else float("nan")


def selection_range_gev(total_gev: np.ndarray) -> tuple[float, float]:
    """Range [low, high] of the histogram at one incident energy (step 1 of the module text), GeV."""
    q05, median, q84, q95 = np.percentile(total_gev, (5, 50, 84, 95))
    ten_sigma = 10 * abs(q84 - median)
    high = median + min(abs(total_gev.max() - median), 2 * abs(q95 - median), ten_sigma)
    low = median - min(abs(total_gev.min() - median), 2 * abs(q05 - median), ten_sigma)
    return float(low), float(high)


def selection_edges_gev(low_gev: float, high_gev: float, decimals: int | None = EDGE_DECIMALS) -> np.ndarray:
    """The 30 bin edges of step 2, shape (30,), GeV; neighbours may be equal when the range is below about 30 MeV.

    ``decimals=None`` leaves them unrounded.
    """
    cell = (high_gev - low_gev) / N_EDGES
    edges = low_gev + (np.arange(N_EDGES) + 0.5) * cell
    return edges if decimals is None else np.round(edges, decimals)


def two_sample_chi2(reference_counts: np.ndarray, generated_counts: np.ndarray) -> tuple[float, int]:
    """chi2 of two histograms of raw counts and its number of degrees of freedom (step 3).

    Parameters
    ----------
    reference_counts, generated_counts : ndarray, shape (b,)

    Returns
    -------
    chi2 : float
    ndf : int
        ``b - 1 - (bins empty in both)``, never below 0.
    """
    y1 = np.asarray(reference_counts, dtype=np.float64)
    y2 = np.asarray(generated_counts, dtype=np.float64)
    w1, w2 = y1.sum(), y2.sum()
    filled = (y1 > 0) | (y2 > 0)
    y1, y2 = y1[filled], y2[filled]
    chi2 = np.sum((w1 * y2 - w2 * y1) ** 2 / (w1**2 * y2 + w2**2 * y1))
    return float(chi2), max(int(filled.sum()) - 1, 0)


class Chi2Reference:
    """The reference side of the chi2, histogrammed once and compared with many checkpoints.

    Parameters
    ----------
    incident_mev : ndarray, shape (n,)
        Incident energies, MeV.
    total_gev : ndarray, shape (n,)
        Total deposited energies, GeV.
    groups : EnergyGroups, optional
        Energies of the rows.  If not given: the distinct energies of the reference, or if these are more than 64,
        ranges of equal width in log energy (see :func:`group_energies`).

    Raises
    ------
    DataError
        If there are no showers, lengths differ, or a number is not finite.
    """

    def __init__(self, incident_mev: np.ndarray, total_gev: np.ndarray, groups: EnergyGroups | None = None):
        incident, total = _flat_pair(incident_mev, total_gev, "reference")
        if not np.isfinite(total).all():
            raise DataError(f"reference: {np.count_nonzero(~np.isfinite(total))} total energies are not finite numbers")
        self.groups = groups or group_energies(incident)
        rows = self.groups.rows(incident, "reference")
        total = self._comparable(incident, total, rows)
        self.n_showers = np.array([len(row) for row in rows])
        self.ranges_gev = [selection_range_gev(total[row]) if len(row) else (0.0, 0.0) for row in rows]
        decimals = EDGE_DECIMALS if self.groups.discrete else None
        self.edges_gev = [selection_edges_gev(*limits, decimals) for limits in self.ranges_gev]
        self.counts = [_clipped_counts(total[row], edges) for row, edges in zip(rows, self.edges_gev, strict=True)]

    def compare(self, incident_mev: np.ndarray, total_gev: np.ndarray) -> Chi2Table:
        """chi2 of generated showers against this reference.

        Parameters
        ----------
        incident_mev : ndarray, shape (m,)
            Incident energies, MeV; the same set of energies as the reference, any number at each.
        total_gev : ndarray, shape (m,)
            Total deposited energies, GeV.

        Returns
        -------
        Chi2Table

        Raises
        ------
        DataError
            If an energy is present in one set only.
        NonFiniteError
            If a total energy is not a finite number.
        """
        incident, total = _flat_pair(incident_mev, total_gev, "generated")
        n_broken = np.count_nonzero(~np.isfinite(total))
        if n_broken:
            raise NonFiniteError(f"generated: {n_broken} of {len(total)} total energies are not finite numbers")
        rows = self.groups.rows(incident, "generated")
        total = self._comparable(incident, total, rows)
        n_generated = np.array([len(row) for row in rows])
        require_no_missing(self.groups, self.n_showers, n_generated, "generated")
        filled = np.flatnonzero(n_generated)
        return Chi2Table(tuple(self._row(k, total[rows[k]]) for k in filled), self.groups.discrete)

    def _comparable(self, incident_mev: np.ndarray, total_gev: np.ndarray, rows: list[np.ndarray]) -> np.ndarray:
        """Total energies to histogram: scaled to the energy of their range if energies are continuous."""
        if self.groups.discrete:
            return total_gev
        scaled = np.empty_like(total_gev)
        for energy_mev, row in zip(self.groups.energy_mev, rows, strict=True):
            scaled[row] = total_gev[row] * (energy_mev / incident_mev[row])
        return scaled

    def _row(self, k: int, total_gev: np.ndarray) -> Chi2Row:
        counts = _clipped_counts(total_gev, self.edges_gev[k])
        chi2, ndf = two_sample_chi2(self.counts[k], counts)
        return Chi2Row(
            energy_mev=float(self.groups.energy_mev[k]),
            lo=self.ranges_gev[k][0],
            hi=self.ranges_gev[k][1],
            edges=self.edges_gev[k],
            reference_counts=self.counts[k],
            generated_counts=counts,
            chi2=chi2,
            ndf=ndf,
            n_reference=int(self.n_showers[k]),
            n_generated=len(total_gev),
        )


def chi2_from_totals(
    reference_incident_mev: np.ndarray,
    reference_total_gev: np.ndarray,
    generated_incident_mev: np.ndarray,
    generated_total_gev: np.ndarray,
    groups: EnergyGroups | None = None,
) -> Chi2Table:
    """chi2 from total energies; see :class:`Chi2Reference` for arguments and errors."""
    reference = Chi2Reference(reference_incident_mev, reference_total_gev, groups)
    return reference.compare(generated_incident_mev, generated_total_gev)


def _clipped_counts(total_gev: np.ndarray, edges_gev: np.ndarray) -> np.ndarray:
    return np.histogram(np.clip(total_gev, edges_gev[0], edges_gev[-1]), bins=edges_gev)[0]


def _flat_pair(incident_mev: np.ndarray, total_gev: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    incident = np.asarray(incident_mev, dtype=np.float64).reshape(-1)
    total = np.asarray(total_gev, dtype=np.float64).reshape(-1)
    if len(incident) != len(total):
        raise DataError(f"{what}: {len(incident)} incident energies but {len(total)} total energies")
    return incident, total
