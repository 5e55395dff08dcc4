"""What the numbers around a network mean, in words for the sidecar (no TensorFlow)."""

from __future__ import annotations

from typing import Any

import numpy as np

from calosim_tf.data.cell_transforms import CubeNormalisation, GevNormalisation, LogCellNormalisation
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.layers import VoxelLayer


def incident_energy_words(detector: VoxelDetector) -> str:
    """What a user feeds as incident energy."""
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


def condition_words(law: Normalisation, detector: VoxelDetector) -> tuple[tuple[str, ...], str]:
    """Names of the numbers that condition a network, and how they follow from the particle."""
    attributes = detector.attributes
    match law:
        case KineticNormalisation():
            names = ("energy_label", *(f"zero_{index}" for index in range(1, law.condition_size)))
            formula = f"kin / {law.kin_max_mev:.9g} MeV"
            if law.energy_label == "log":
                formula = f"ln(kin / {law.kin_min_mev:.9g} MeV) / ln({law.kin_max_mev / law.kin_min_mev:.9g})"
            return names, f"{formula}{', then zeros' * (law.condition_size > 1)}"
        case LogCellNormalisation():
            if not law.condition_mean:
                return attributes, f"{', '.join(attributes)} as they are"
            pairs = zip(attributes, law.condition_mean, law.condition_std, strict=True)
            return attributes, ", ".join(f"({name} - {mean:.9g}) / {std:.9g}" for name, mean, std in pairs)
        case GevNormalisation():
            more = attributes if law.condition_size > 1 else ()
            return ("kinetic_energy_gev", *more), ", ".join(("kin / GeV", *more))
        case CubeNormalisation():
            more = attributes if law.with_angle else ()
            return ("kinetic_energy_100_gev", *more), ", ".join(("kin / 100 GeV", *more))
    raise TypeError(f"normalisation {law.kind} has no description")


def output_words(law: Normalisation) -> tuple[str, str]:
    """What a network's output is and how it turns into MeV, and its unit."""
    unit = "kin"
    if isinstance(law, KineticNormalisation) and law.response:
        unit = "kin and over the mean response (linear in ln kin between the pairs under normalisation.response)"
    match law:
        case LayerNormalisation():
            return (
                "cells over the sum of their layer, layers over the sum of all, sum over "
                f"{unit}; a cell in MeV is the product of its three numbers with kin",
                "1",
            )
        case KineticNormalisation():
            return f"cells over {unit}; a cell in MeV is its number times that", "1"
        case LogCellNormalisation():
            return "ln(1 + cell / MeV), one channel; a cell in MeV is exp(number) - 1", "1"
        case GevNormalisation():
            return "cells; a cell in MeV is 1000 times its number", "GeV"
        case CubeNormalisation():
            return (
                "cells as a cube with axes x, y, z; a cell in MeV is 1000 times its number, z moved to the front",
                "GeV",
            )
    raise TypeError(f"normalisation {law.kind} has no description")


def central_values(detector: VoxelDetector) -> tuple[float | None, ...]:
    """Attributes of a perpendicular particle in the middle; None for one that is the energy in GeV."""
    return tuple(None if np.isnan(value) else float(value) for value in detector.central)
