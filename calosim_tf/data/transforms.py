"""Normalisations of CaloShowerGAN: voxels over kinetic energy, plain or layer by layer (no TensorFlow)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from calosim_tf.data.normalisation import Normalisation, masked, training_range
from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data.source import ShowerSource
from calosim_tf.errors import ConfigError, DataError

# What an empty voxel is set to before the layer-wise normalisation (authors' code), MeV
ZERO_VOXEL_MEV = np.float32(1e-4)
# Energies at which the response is tabulated: every discrete one, or this many ranges of continuous ones (our choice)
MAX_RESPONSE_KNOTS = 32


@dataclass(frozen=True)
class KineticNormalisation(Normalisation):
    """Voxels over kinetic energy, and the energy label of CaloShowerGAN.

    Attributes
    ----------
    energy_label : {'log', 'max'}
        ``log``: ln(kin / kin_min) / ln(kin_max / kin_min), 0 and 1 at the ends; ``max``: kin / kin_max.
    condition_size : int
        Numbers that condition the networks: the label, then zeros.
    mask_mev : float
        Training voxels below this are set to 0.
    response : tuple of (float, float)
        Kinetic energies, MeV, and the mean deposited over kinetic energy there; voxels are also divided by it,
        interpolated in ln kin.  Empty for none.
    """

    kind: ClassVar[str] = "kinetic"

    energy_label: str = "log"
    condition_size: int = 1
    mask_mev: float = 0.0
    response: tuple[tuple[float, float], ...] = ()

    @classmethod
    def fit(cls, incident_energy_mev: np.ndarray, mass_mev: float, **options: Any) -> KineticNormalisation:
        """Label range of a training selection; :class:`DataError` when it holds a single energy."""
        return cls(mass_mev, *cls.energy_range_mev(incident_energy_mev, mass_mev), **options)

    @classmethod
    def of_training(cls, source: ShowerSource, data, network) -> KineticNormalisation:
        """As :meth:`Normalisation.of_training`."""
        options = cls._more_options(source, network) | {
            "energy_label": data.energy_label,
            "condition_size": network.condition_size,
            "mask_mev": data.mask_mev,
        }
        if data.normalise_per_energy:
            rows = source.train_rows
            options["response"] = mean_response(
                source.incident_energy_mev[rows], source.total_energy_mev(rows), source.detector.mass_mev
            )
        return cls(*training_range(source), **options)

    @classmethod
    def _more_options(cls, source: ShowerSource, network) -> dict[str, Any]:
        """Options of a subclass."""
        return {}

    def label(self, incident_energy_mev: np.ndarray, attributes: np.ndarray | None = None) -> np.ndarray:
        """Energy label and zeros behind it, shape (n, condition_size), float32."""
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        condition = np.zeros((len(kinetic), self.condition_size), dtype=np.float32)
        if self.energy_label == "max":
            condition[:, 0] = kinetic / self.kin_max_mev
        else:
            condition[:, 0] = np.log(kinetic / self.kin_min_mev) / np.log(self.kin_max_mev / self.kin_min_mev)
        return condition

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: a vector."""
        return (n_voxels,)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Training vectors, shape (n, value_shape), float32."""
        return (
            masked(showers_mev, self.mask_mev) * (1.0 / self._unit_mev(incident_energy_mev)).astype(np.float32)[:, None]
        )

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`to_network` (but for masked voxels), shape (n, n_voxels)."""
        return outputs * self._unit_mev(incident_energy_mev).astype(np.float32)[:, None]

    def condition_words(self, attributes: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
        """As :meth:`Normalisation.condition_words`."""
        names = ("energy_label", *(f"zero_{index}" for index in range(1, self.condition_size)))
        formula = f"kin / {self.kin_max_mev:.9g} MeV"
        if self.energy_label == "log":
            formula = f"ln(kin / {self.kin_min_mev:.9g} MeV) / ln({self.kin_max_mev / self.kin_min_mev:.9g})"
        return names, f"{formula}{', then zeros' * (self.condition_size > 1)}"

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return f"cells over {self._unit_words}; a cell in MeV is its number times that", "1"

    @property
    def _unit_words(self) -> str:
        if not self.response:
            return "kin"
        return "kin and over the mean response (linear in ln kin between the pairs under normalisation.response)"

    def _unit_mev(self, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Energy that counts as 1, shape (n,), MeV."""
        kinetic = kinetic_energy_mev(incident_energy_mev, self.mass_mev)
        if not self.response:
            return kinetic
        knots, values = np.array(self.response).T
        return kinetic * np.interp(np.log(kinetic), np.log(knots), values)


@dataclass(frozen=True)
class LayerNormalisation(KineticNormalisation):
    """Layer-normalised vectors of the later CaloShowerGAN (authors' code, ``normlayer2``).

    A vector holds every voxel over the sum of its layer, every layer over the sum of all, and the sum over the kinetic
    energy: 368 + 5 + 1 numbers for photons, 533 + 7 + 1 for pions.

    Attributes
    ----------
    layer_sizes : tuple of int
        Voxels of each layer, in file order.
    keep_zeros : bool
        Empty voxels and layers stay 0; otherwise empty voxels become 1e-4 MeV first, as in the authors' code.
    """

    kind: ClassVar[str] = "layer"

    layer_sizes: tuple[int, ...] = ()
    keep_zeros: bool = False

    @classmethod
    def _more_options(cls, source: ShowerSource, network) -> dict[str, Any]:
        sizes = tuple(layer.n_voxels for layer in source.detector.layers)
        found = getattr(network, "layer_sizes", ())
        if found != sizes:
            raise ConfigError(f"network.layer_sizes: found {found}, expected {sizes} for layout {source.detector.name}")
        return {"layer_sizes": sizes, "keep_zeros": network.layer_gate}

    def value_shape(self, n_voxels: int) -> tuple[int, ...]:
        """As :meth:`Normalisation.value_shape`: voxels, layers and the total."""
        return (n_voxels + len(self.layer_sizes) + 1,)

    def to_network(self, showers_mev: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Training vectors, shape (n, value_shape), float32."""
        voxels = masked(showers_mev, self.mask_mev)
        if not self.keep_zeros:
            voxels = np.where(voxels > 0, voxels, ZERO_VOXEL_MEV)
        starts = np.cumsum((0, *self.layer_sizes[:-1]))
        layers = np.add.reduceat(voxels, starts, axis=1)  # (n, layers), MeV
        total = layers.sum(axis=1, keepdims=True)
        unit = self._unit_mev(incident_energy_mev).astype(np.float32)[:, None]
        parts = [_share(voxels, np.repeat(layers, self.layer_sizes, axis=1)), _share(layers, total), total / unit]
        return np.concatenate(parts, axis=1)

    def to_mev(self, outputs: np.ndarray, incident_energy_mev: np.ndarray) -> np.ndarray:
        """Inverse of :meth:`to_network`, shape (n, n_voxels); empty voxels come back as 1e-4 MeV or, kept, as 0."""
        n_voxels = sum(self.layer_sizes)
        total = outputs[:, -1:] * self._unit_mev(incident_energy_mev).astype(np.float32)[:, None]
        layers = outputs[:, n_voxels:-1] * total
        return outputs[:, :n_voxels] * np.repeat(layers, self.layer_sizes, axis=1)

    def output_words(self) -> tuple[str, str]:
        """As :meth:`Normalisation.output_words`."""
        return (
            "cells over the sum of their layer, layers over the sum of all, sum over "
            f"{self._unit_words}; a cell in MeV is the product of its three numbers with kin",
            "1",
        )


def mean_response(
    incident_energy_mev: np.ndarray, total_energy_mev: np.ndarray, mass_mev: float
) -> tuple[tuple[float, float], ...]:
    """Mean deposited over kinetic energy against kinetic energy, as :class:`KineticNormalisation` takes it.

    Parameters
    ----------
    incident_energy_mev, total_energy_mev : ndarray, shape (n,)
        Of the training showers, MeV.
    mass_mev : float

    Raises
    ------
    DataError
        The showers of one energy are all empty.
    """
    kinetic = kinetic_energy_mev(incident_energy_mev, mass_mev)
    order = np.argsort(kinetic, kind="stable")
    _, starts = np.unique(kinetic[order], return_index=True)
    if len(starts) > MAX_RESPONSE_KNOTS:
        starts = np.linspace(0, len(order), MAX_RESPONSE_KNOTS, endpoint=False).astype(int)
    knots = []
    for rows in np.split(order, starts[1:]):
        energy, share = float(kinetic[rows].mean()), float((total_energy_mev[rows] / kinetic[rows]).mean())
        if not share > 0.0:
            raise DataError(
                f"all showers of {energy:g} MeV are empty, so data.normalise_per_energy has nothing to divide by: "
                "set it to false"
            )
        knots.append((energy, share))
    return tuple(knots)


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part / whole``, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
