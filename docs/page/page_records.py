"""What the page says of a generator and its detector: a record of ``generators.json`` (no TensorFlow)."""

from __future__ import annotations

from typing import Any

from calosim_tf.bundle.sidecar import Sidecar
from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import VoxelDetector, get_detector
from calosim_tf.geometry.beams import BACK_CM, SPOT_CM
from calosim_tf.geometry.layers import CellLayer, VoxelLayer
from calosim_tf.geometry.trajectories import MOMENTUM, trajectory_kind

# Incident energy that the page starts with: a large shower that all bundled samples have (our choice)
START_MEV = 16384
# Angles that can be set: three widths of the training beam (our choice)
MOST_DEGREES = 30
PARTICLES = {"gamma": "photon", "pi+": "charged pion", "e-": "electron", "e+": "positron"}
# What a detector provides -> whose it resembles
LIKE = {"lhcb": "LHCb-like", "calogan": "CaloGAN", "cubes": "CLIC-like"}


def record_of(name: str, sidecar: Sidecar, reference: dict[str, Any]) -> dict[str, Any]:
    """Record of an exported generator.

    Parameters
    ----------
    name : str
        As in ``pretrained:NAME``.
    sidecar : Sidecar
    reference : dict
        As :func:`monte_carlo.reference_of` gives it.

    Raises
    ------
    ConfigError
        The page cannot make the inputs of this network.
    """
    require_known_inputs(name, sidecar)
    detector = get_detector(sidecar.detector)
    words = PARTICLES.get(detector.particle, detector.particle)
    is_rings = isinstance(detector.layers[0], VoxelLayer)
    shape = f"{len(detector.layers)} layers" if len(detector.layers) > 1 else _cells_words(detector.layers[0])
    return {
        "name": name,
        "generator": f"pretrained:{name}",
        "title": f"{words.capitalize()}s",
        "cut": f"{_origin(detector)}{shape}{' of rings' if is_rings else ''}",
        "particle": detector.particle,
        "shape": "rings" if is_rings else "cells",
        "n_cells": detector.n_voxels,
        "threshold_mev": detector.threshold_mev,
        "layers": [
            {"id": layer.layer_id, "first": first, "size": layer.n_voxels, **_layer(layer)}
            for layer, first in zip(detector.layers, detector.offsets, strict=False)
        ],
        "energy": _energy(detector, words, sidecar, reference),
        "attributes": detector.attributes,
        **_fields(detector, sidecar),
    }


def require_known_inputs(name: str, sidecar: Sidecar) -> None:
    """:class:`ConfigError` for a bundle of several networks, or one whose inputs the page does not know."""
    laws = {network.latent.law for network in sidecar.networks}
    kinds = {network.normalisation["kind"] for network in sidecar.networks}
    if len(sidecar.networks) > 1 or laws != {"normal_16bit"} or kinds != {LayerEnergyNormalisation.kind}:
        raise ConfigError(
            f"pretrained:{name}: found {len(sidecar.networks)} networks, latents {', '.join(laws)} and normalisation "
            f"{', '.join(kinds)}, expected one factorised generator, such as pretrained:photon: leave it out"
        )


def _origin(detector: VoxelDetector) -> str:
    """Whose detector it is, for the names of layers and cells."""
    if detector.challenge_set:
        return f"CaloChallenge data set {detector.challenge_set}, "
    return next((f"{LIKE[name]}, " for name in detector.provides if name in LIKE), "")


def _cells_words(layer: CellLayer | VoxelLayer) -> str:
    rows, columns = layer.shape
    return f"{rows} x {columns} cells"


def _layer(layer: CellLayer | VoxelLayer) -> dict[str, Any]:
    if isinstance(layer, VoxelLayer):
        return {"r_edges_mm": layer.r_edges_mm, "n_alpha": layer.n_alpha}
    return {
        "rows": layer.n_rows,
        "columns": layer.n_columns,
        **{key: getattr(layer, key) for key in ("row_mm", "column_mm", "row_axis", "column_axis")},
    }


def _energy(detector: VoxelDetector, words: str, sidecar: Sidecar, reference: dict[str, Any]) -> dict[str, Any]:
    """The incident energy, which is a momentum in the files of particles with a mass."""
    trained_on = sidecar.networks[0].trained_on
    low, high = trained_on.incident_energy_mev if trained_on else (reference["low_mev"], reference["high_mev"])
    is_momentum = detector.mass_mev > 0.0
    return {
        "name": "Momentum" if is_momentum else "Kinetic energy",
        "symbol": "p" if is_momentum else "E",
        "particle_words": words,
        "low_mev": low,
        "high_mev": high,
        "start_mev": START_MEV if low <= START_MEV <= high else float(f"{(low * high) ** 0.5:.2g}"),
        "sample_mev": [] if reference["average_over"] else [row["energy_mev"] for row in reference["energies"]],
    }


def _fields(detector: VoxelDetector, sidecar: Sidecar) -> dict[str, Any]:
    """What can be set of a particle besides its energy: name, label, unit, ends and start of each number."""
    if trajectory_kind(detector) == MOMENTUM:
        angles = {"unit": "°", "low": -MOST_DEGREES, "high": MOST_DEGREES, "start": 0}
        aims = {"unit": "mm", "low": -10 * SPOT_CM, "high": 10 * SPOT_CM, "start": 0}
        rows = [("theta_x", "Angle θx", angles), ("theta_y", "Angle θy", angles), ("aim_x", "Aim x", aims)]
        fields = [{"name": name, "label": label, **rest} for name, label, rest in (*rows, ("aim_y", "Aim y", aims))]
        return {"direction": MOMENTUM, "aim_depth_cm": BACK_CM, "fields": fields}
    trained_on = sidecar.networks[0].trained_on
    ranges = trained_on.attributes if trained_on else {}
    fields = []
    for name, start in zip(detector.attributes, detector.central, strict=True):
        label, _, unit = name.rpartition("_")
        low, high = ranges.get(name, (start, start))
        fields.append({"name": name, "label": label, "unit": unit, "low": low, "high": high, "start": start})
    return {"direction": "", "fields": fields}
