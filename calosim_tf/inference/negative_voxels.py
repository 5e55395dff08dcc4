"""What becomes of voxels that a network made slightly negative (no TensorFlow)."""

from __future__ import annotations

from collections import defaultdict

import numpy as np


class NegativeVoxels:
    """Sets negative voxels to 0 and keeps account of the energy that this adds.

    A swish output is a little below 0 wherever no energy belongs.  The network has learnt the total with these in it,
    so that removing them adds energy; the more, the fewer voxels a shower fills.

    Parameters
    ----------
    keep_energy : bool
        Scale the other voxels, so that the total of a shower stays what the network made it (0 where that is negative).
    """

    def __init__(self, keep_energy: bool):
        self.keep_energy = keep_energy
        self._any = False
        # octave of incident energy -> energy before and added, MeV
        self._sums: dict[int, np.ndarray] = defaultdict(lambda: np.zeros(2))

    def remove(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> None:
        """Change showers, shape (n, n_voxels), of particles with these energies, shape (n,), in place."""
        before = showers_mev.sum(axis=1, dtype=np.float64)
        self._any |= bool(showers_mev.min(initial=0.0) < 0)
        np.maximum(showers_mev, 0.0, out=showers_mev)
        after = showers_mev.sum(axis=1, dtype=np.float64)
        octaves = np.floor(np.log2(incident_energy_mev)).astype(int)
        for octave in np.unique(octaves):
            rows = octaves == octave
            self._sums[int(octave)] += before[rows].sum(), (after - before)[rows].sum()
        if self.keep_energy:
            scale = np.divide(np.maximum(before, 0.0), after, out=np.zeros_like(after), where=after > 0)
            showers_mev *= scale[:, None].astype(showers_mev.dtype)

    def summary(self) -> str | None:
        """What was done, and at which incident energies it mattered most; None where no voxel was negative."""
        if not self._any:
            return None
        before, added = sum(self._sums.values(), np.zeros(2))
        octave, share = max(((octave, _share(sums)) for octave, sums in self._sums.items()), key=lambda item: item[1])
        total, worst = _in_words(_share((before, added)), " to the deposited energy"), _in_words(share)
        low, high = 2**octave, 2 ** (octave + 1)
        if self.keep_energy:
            return (
                f"negative voxels were set to 0 and the others scaled, instead of adding {total}, {worst} at {low:g} "
                f"to {high:g} MeV (--no-clip keeps them)"
            )
        return (
            f"negative voxels were set to 0, which adds {total}, {worst} at {low:g} to {high:g} MeV (--no-clip keeps "
            "them, --keep-energy the total)"
        )


def _share(sums: tuple[float, float] | np.ndarray) -> float:
    before, added = sums
    if added == 0:
        return 0.0  # also of showers without any energy
    return added / before if before > 0 else np.inf


def _in_words(share: float, of: str = "") -> str:
    """A share of the deposited energy; showers whose sum was not above 0 had none to compare with."""
    if np.isinf(share):
        return f"all of it{' to showers of no or negative energy' if of else ''}"
    return f"{100 * share:.3g} %{of}"
