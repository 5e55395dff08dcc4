"""Groups of showers of about the same incident energy: minibatches that hold each alike, tables that follow the energy
(no TensorFlow)."""

from __future__ import annotations

import numpy as np

from calosim_tf.same_energy import TOLERANCE, listed_energies

# Up to this many incident energies each are a group; more count as continuous (our choice; data set 1 has 15)
MOST_DISCRETE = 16
# Ranges of continuous energies, equal in ln E (our choice)
CONTINUOUS_GROUPS = 8


def energy_groups(incident_energy_mev: np.ndarray) -> list[np.ndarray]:
    """Positions of the showers of each group, in ascending order of energy; no group is empty.

    Parameters
    ----------
    incident_energy_mev : ndarray, shape (n,)

    Returns
    -------
    list of ndarray of int64
        One for each energy where there are at most 16, otherwise for 8 ranges of equal width in ln E.
    """
    listed = listed_energies(incident_energy_mev, MOST_DISCRETE)
    if listed is not None:
        # rounding may lie on either side
        numbers = np.searchsorted(listed * (1 - TOLERANCE), incident_energy_mev, side="right") - 1
    else:
        logs = np.log(incident_energy_mev)
        edges = np.linspace(logs.min(), logs.max(), CONTINUOUS_GROUPS + 1)
        numbers = np.clip(np.searchsorted(edges, logs, side="right") - 1, 0, CONTINUOUS_GROUPS - 1)
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]
