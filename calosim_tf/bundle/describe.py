"""What the showers and particles of a detector are, in words for the sidecar (no TensorFlow)."""

from __future__ import annotations

from typing import Any

import numpy as np

from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.layers import VoxelLayer


def incident_energy_words(detector: VoxelDetector) -> str:
    """What a user feeds as incident energy."""
    if detector.nominal_energy_mev:
        return (
            f"incident_energy_mev: {detector.nominal_energy_mev:g} MeV, which stands in for the energy that a "
            f"{detector.particle} does not have; the showers do not depend on it"
        )
    if detector.mass_mev == 0.0:
        return "incident_energy_mev: kinetic energy of the incident particle, MeV"
    return (
        f"incident_energy_mev: momentum p of the incident particle, MeV, as in the public files; kinetic energy kin = "
        f"sqrt(p^2 + m^2) - m with m = {detector.mass_mev:g} MeV"
    )


def cell_order_words(detector: VoxelDetector) -> str:
    """How a vector of cells is ordered."""
    if isinstance(detector.layers[0], VoxelLayer):
        return "layer after layer; inside a layer angular bins (from -pi) outside and rings inside: r is fastest"
    first = detector.layers[0]
    return f"layer after layer; inside a layer {first.row_axis} outside and {first.column_axis} inside, ascending"


def layer_table(detector: VoxelDetector) -> tuple[dict[str, Any], ...]:
    """Layer by layer: id, first cell, rows and columns (angular bins and rings)."""
    return tuple(
        {"layer_id": layer.layer_id, "first_cell": first, "shape": list(layer.shape)}
        for layer, first in zip(detector.layers, detector.offsets, strict=False)
    )


def central_values(detector: VoxelDetector) -> tuple[float | None, ...]:
    """Attributes of a perpendicular particle in the middle; None for one that is the energy in GeV."""
    return tuple(None if np.isnan(value) else float(value) for value in detector.central)
