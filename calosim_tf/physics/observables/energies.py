"""Groups of equal incident energy: the rows of every per-energy result.

Data set 1 of the CaloChallenge has 15 discrete incident energies.  A set with continuous energies is cut into ranges
of equal width in log energy instead, so that every result that is given per energy exists there too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.same_energy import listed_energies, same_energy

# Our choice: enough ranges to see a trend, few enough to keep thousands of showers in each of 20 000.
CONTINUOUS_RANGES = 8
# Our choice: share of the showers that may lie at other energies before histograms over all energies are distorted.
MIX_TOLERANCE = 0.02
# Our choice: of so many expected showers, none is no chance (5e-5)
CHANCE_EXPECTED = 10.0


@dataclass(frozen=True, eq=False)
class EnergyGroups:
    """Incident energies, or ranges of them, in increasing order.

    Attributes
    ----------
    low_mev, high_mev : ndarray, shape (k,)
        Limits of each group in MeV; equal to each other for discrete energies.
    discrete : bool
        Whether the groups are single energies.
    """

    low_mev: np.ndarray
    high_mev: np.ndarray
    discrete: bool

    def __len__(self) -> int:
        return len(self.low_mev)

    @cached_property
    def energy_mev(self) -> np.ndarray:
        """The energy that represents each group (geometric centre of a range), shape (k,), MeV."""
        return self.low_mev if self.discrete else np.sqrt(self.low_mev * self.high_mev)

    def index(self, incident_energy_mev: np.ndarray, what: str = "showers") -> np.ndarray:
        """Group number of each shower.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
            MeV.
        what : str
            Whose energies these are, for the error message.

        Returns
        -------
        ndarray of int16, shape (n,)

        Raises
        ------
        DataError
            If a discrete energy is not one of the groups.  (Continuous energies outside the ranges count in the end
            ranges.)
        """
        incident = np.asarray(incident_energy_mev, dtype=np.float64).reshape(-1)
        if not self.discrete:
            return np.searchsorted(self.high_mev[:-1], incident, side="right").astype(np.int16)
        between = np.sqrt(self.energy_mev[:-1] * self.energy_mev[1:])
        index = np.searchsorted(between, incident, side="right").astype(np.int16)
        expected = self.energy_mev[index]
        unknown = ~same_energy(incident, expected)
        if unknown.any():
            found = np.unique(incident[unknown])
            raise DataError(
                f"{what}: {np.count_nonzero(unknown)} showers at incident energies that the reference does not have"
                f" ({_listed(found)} MeV): both sets need the same incident energies ({_listed(self.energy_mev)} MeV);"
                " calosim evaluate --reweight drops the others"
            )
        return index

    def rows(self, incident_energy_mev: np.ndarray, what: str = "showers") -> list[np.ndarray]:
        """Row numbers of the showers of each group, in file order: k arrays of int."""
        index = self.index(incident_energy_mev, what)
        order = np.argsort(index, kind="stable")
        return np.split(order, np.searchsorted(index[order], np.arange(1, len(self))))


def group_energies(incident_energy_mev: np.ndarray, n_ranges: int = CONTINUOUS_RANGES) -> EnergyGroups:
    """Discrete energies of a set, or ``n_ranges`` ranges of equal width in log energy.

    Parameters
    ----------
    incident_energy_mev : ndarray, shape (n,)
        MeV, all above 0.
    n_ranges : int
        Number of ranges if the energies are a spectrum, or a list of more than 64.

    Raises
    ------
    DataError
        If there is no shower, or an energy is not a number above 0.
    """
    incident = np.asarray(incident_energy_mev, dtype=np.float64).reshape(-1)
    if len(incident) == 0:
        raise DataError("reference: holds no showers, expected at least one per incident energy")
    if not (np.isfinite(incident).all() and incident.min() > 0):
        raise DataError("reference: incident energies must be numbers above 0 MeV, check the file and its unit")
    listed = listed_energies(incident)
    if listed is not None:
        return EnergyGroups(listed, listed, discrete=True)
    edges = np.geomspace(incident.min(), incident.max(), n_ranges + 1)
    return EnergyGroups(edges[:-1], edges[1:], discrete=False)


def joined_ranges(
    groups: EnergyGroups, reference_mev: np.ndarray, others_mev: Sequence[np.ndarray], least: int
) -> EnergyGroups:
    """Ranges, of which those with too few showers are joined with the next one; discrete energies as they are.

    A range is too sparse if one set has showers there and another none, or the reference fewer than ``least``.

    Parameters
    ----------
    groups : EnergyGroups
    reference_mev : ndarray, shape (n,)
        Incident energies, MeV.
    others_mev : sequence of ndarray
        Those of the sets that are compared with it.
    least : int
    """
    while not groups.discrete and len(groups) > 1:
        reference = _counts(groups, reference_mev)
        sparse = (reference > 0) & (reference < least)
        for other in others_mev:
            sparse |= (reference > 0) != (_counts(groups, other) > 0)
        if not sparse.any():
            break
        # the edge above the sparse range goes, or below it for the last one
        edge = min(int(np.argmax(sparse)), len(groups) - 2)
        groups = EnergyGroups(np.delete(groups.low_mev, edge + 1), np.delete(groups.high_mev, edge), discrete=False)
    return groups


def _counts(groups: EnergyGroups, incident_mev: np.ndarray, what: str = "showers") -> np.ndarray:
    return np.bincount(groups.index(incident_mev, what), minlength=len(groups))


def require_same_mix(groups: EnergyGroups, reference_mev: np.ndarray, generated_mev: np.ndarray, what: str) -> None:
    """Refuse two sets whose showers are shared out differently over the incident energies.

    A histogram over all energies compares the mix as well as the showers, so a different mix would look like bad
    showers.

    Parameters
    ----------
    groups : EnergyGroups
    reference_mev, generated_mev : ndarray, shape (n,)
        Incident energies, MeV.
    what : str
        Name of the second set, for the error message.

    Raises
    ------
    DataError
        If an energy is missing in one set (or a range where 10 showers were expected), or more than 2 % of the showers
        (plus what chance explains) sit elsewhere.
    """
    counts = [_counts(groups, reference_mev, "reference"), _counts(groups, generated_mev, what)]
    expected = [count * (other.sum() / max(count.sum(), 1)) for count, other in zip(counts, counts[::-1], strict=True)]
    by_chance = (np.minimum(*counts) == 0) & (np.maximum(*expected) < CHANCE_EXPECTED) & (not groups.discrete)
    require_no_missing(groups, counts[0] * ~by_chance, counts[1] * ~by_chance, what)
    moved = 0.5 * np.abs(counts[0] / counts[0].sum() - counts[1] / counts[1].sum())
    chance = np.sqrt(len(groups) / min(count.sum() for count in counts))
    if moved.sum() > MIX_TOLERANCE + chance:
        worst = int(np.argmax(moved))
        raise DataError(
            f"{what}: the incident energies are distributed differently from the reference"
            f" (at {groups.energy_mev[worst]:g} MeV {counts[1][worst]} of {counts[1].sum()} showers,"
            f" reference {counts[0][worst]} of {counts[0].sum()}):"
            " generate with the reference's own incident energies (calosim generate --like), or thin both sets to equal"
            " numbers (calosim evaluate --reweight)"
        )


def require_no_missing(groups: EnergyGroups, reference_counts: np.ndarray, counts: np.ndarray, what: str) -> None:
    """Raise :class:`DataError` if a group is filled in one set only; counts have shape (k,)."""
    missing = (counts == 0) & (reference_counts > 0)
    if missing.any():
        raise DataError(
            f"{what}: no showers at {_listed(groups.energy_mev[missing])} MeV where the reference has some:"
            " both sets need the same incident-energy distribution (calosim generate --like, or evaluate --reweight)"
        )
    extra = (counts > 0) & (reference_counts == 0)
    if extra.any():
        raise DataError(
            f"{what}: showers at {_listed(groups.energy_mev[extra])} MeV where the reference has none:"
            " both sets need the same incident-energy distribution (calosim evaluate --reweight drops the others)"
        )


def _listed(energies_mev: np.ndarray) -> str:
    shown = ", ".join(f"{energy:g}" for energy in energies_mev[:5])
    return shown + (f", ... {len(energies_mev)} in all" if len(energies_mev) > 5 else "")
