"""Incident particles that cover what a generator was trained on (no TensorFlow)."""

from __future__ import annotations

import numpy as np

from calosim_tf.data.normalisation import Normalisation
from calosim_tf.geometry import VoxelDetector


def covering_particles(
    detector: VoxelDetector,
    law: Normalisation,
    count: int,
    seed: int,
    energy_range_mev: tuple[float | None, float | None] | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Particles in equal numbers per logarithm of the kinetic energy, both ends included, in random order.

    Parameters
    ----------
    detector : VoxelDetector
    law : Normalisation
        Says the range of kinetic energies trained on.
    count : int
        At least 2.
    seed : int
    energy_range_mev : tuple, optional
        Ends of the incident energies that this network makes, inside of which the particles are kept.

    Returns
    -------
    incident_energy_mev : ndarray, shape (count,)
    attributes : ndarray, shape (count, attributes of the detector)
        By the law in the record of the detector (:attr:`~calosim_tf.geometry.VoxelDetector.beam`).

    Notes
    -----
    The range of the attributes is that of the record; a run on other data may have seen another one.
    """
    rng = np.random.default_rng(seed)
    kinetic = rng.permutation(np.geomspace(law.kin_min_mev, law.kin_max_mev, count))
    # the momentum, which is what files of massive particles give
    incident = np.sqrt(kinetic * (kinetic + 2 * law.mass_mev))
    low, high = energy_range_mev or (None, None)
    incident = np.clip(incident, low, high) if (low, high) != (None, None) else incident
    return incident, particle_attributes(detector, incident, rng)


def particle_attributes(
    detector: VoxelDetector, incident_energy_mev: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Attributes by the law of the detector's record, shape (n, attributes of the detector).

    Without a law they are those of a particle that enters in the middle, perpendicular.
    """
    if not detector.attributes or detector.beam is None:
        return detector.central_attributes(incident_energy_mev)
    return detector.beam.attributes(incident_energy_mev, rng)
