"""Networks of CaloFlow: a flow of the layer energies and one of the voxels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.detector_layers import DetectorLayers
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

ROLES = ("teacher", "student")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True)
class CaloFlowNetwork(DetectorLayers):
    """Flows of masked networks and rational-quadratic splines (docs/caloflow.md).

    Attributes
    ----------
    detector : str
        Whose layers are filled; that of ``data.layout``.
    role : {'teacher', 'student'}
        Which direction of the flow of the voxels takes one pass: that of the density, or that of sampling.
    energy_blocks, energy_units, energy_hidden_layers : int
        Blocks of the flow of the layer energies, width of their networks, masked hidden layers behind the first.
    voxel_blocks, voxel_units, voxel_hidden_layers : int
        Of the flow of the voxels.
    dropout : float
        In the hidden layers of the flow of the voxels.
    permutation_seed : int
        Fixes the permutations; a student has that of its teacher.
    alpha : float
        Shares u become logit(alpha + (1 - 2 alpha) u).
    largest_response : float
        Deposited over incident energy that counts as a share of 1.
    context_scale : float
        The incident energy conditions the flows as log10(scale E / 100 GeV).
    layer_context_shift : float
        A layer energy conditions the flow of the voxels as log10(E_i / 100 GeV + 1e-8) + shift.
    precision : {'float32', 'float64'}
        Of weights and arithmetic; the authors' is float64.
    """

    family: ClassVar[str] = "caloflow"
    normalisation: ClassVar[str] = "hundred_gev"
    condition_size: ClassVar[int] = 1

    detector: str = "photon"
    role: str = "teacher"
    energy_blocks: int = 6
    energy_units: int = 64
    energy_hidden_layers: int = 2
    voxel_blocks: int = 8
    voxel_units: int = 378
    voxel_hidden_layers: int = 1
    dropout: float = 0.05
    permutation_seed: int = 0
    alpha: float = 1e-6
    largest_response: float = 2.42
    context_scale: float = 3.0
    layer_context_shift: float = -1.0
    precision: str = "float32"

    def __post_init__(self):
        choice("network.role", self.role, ROLES)
        choice("network.precision", self.precision, PRECISIONS)
        for part in ("energy", "voxel"):
            for key in ("blocks", "units", "hidden_layers"):
                at_least(f"network.{part}_{key}", getattr(self, f"{part}_{key}"), 1)
        in_half_open_unit("network.dropout", self.dropout)
        at_least("network.permutation_seed", self.permutation_seed, 0)
        for key in ("alpha", "largest_response", "context_scale"):
            above(f"network.{key}", getattr(self, key), 0.0)
        if self.alpha >= 0.5:
            raise ConfigError(f"network.alpha: found {self.alpha!r}, expected a number below 0.5")
        if self.n_layers < 2:
            raise ConfigError(
                f"network.detector: found {self.detector} with one layer, expected a detector of several layers"
            )

    @property
    def latent(self) -> LatentLaw:
        """The base law of both flows: standard normal numbers, those of the layer energies first."""
        return LatentLaw(size=self.n_layers + sum(self.layer_sizes), mean=0.0, std=1.0)

    @property
    def showers_shape(self) -> tuple[int]:
        """A vector of voxels."""
        return (sum(self.layer_sizes),)

    @property
    def why_not_exported(self) -> str:
        """Why no format holds the generator; empty for a student."""
        if self.role == "student":
            return ""
        passes = self.voxel_blocks * sum(self.layer_sizes)
        return (
            f"a CaloFlow teacher draws one voxel after another, {passes} passes for a shower, which is for "
            "TensorFlow alone"
        )
