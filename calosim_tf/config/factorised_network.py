"""Networks of the factorised generator: layer energies first, then the share of each voxel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import at_least
from calosim_tf.config.detector_layers import DetectorLayers
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import get_detector
from calosim_tf.geometry.trajectories import trajectory_kind


@dataclass(frozen=True)
class FactorisedNetwork(DetectorLayers):
    """An energy head, a shape network and a critic that sees observables (our own; docs/factorised.md).

    Attributes
    ----------
    detector : str
        Whose layers the shape network fills and whose observables the critic sees; that of ``data.layout``.
    knots : int
        Incident energies at which means and widths are tabulated; linear in ln E between them.
    head_latent, head_units : int, tuple of int
        Latent numbers and hidden layers of the energy head.
    shape_latent, shape_units : int, tuple of int
        Of the shape network.
    noise_units : int
        Bottleneck behind which each voxel gets the width of its noise and its gate.
    voxel_noise : bool
        Whether each voxel has a noise of its own; without it only the latent of the whole shower varies.
    critic_units : tuple of int
        Hidden layers of the critic.
    observables : bool
        Whether the critic sees observables beside the voxels.
    frame : bool
        Showers are made and judged in a frame that follows the particle (whole cells to the centre of energy that
        follows from its point and slopes, mirrored and transposed), and logits and gates start from regressions on the
        particle; for detectors of cells whose files say point and direction.
    observed_from_mev : float
        The critic sees voxels from this energy on; 0 for the threshold of the detector.
    ramp_mev : (float, float)
        Read-out ramp: a voxel below the first is cut, one above the second is left alone.
    """

    family: ClassVar[str] = "factorised_gan"
    normalisation: ClassVar[str] = "layer_energies"

    detector: str = "photon"
    knots: int = 16
    head_latent: int = 16
    head_units: tuple[int, ...] = (96, 96)
    shape_latent: int = 64
    shape_units: tuple[int, ...] = (256, 320, 384)
    noise_units: int = 32
    voxel_noise: bool = True
    critic_units: tuple[int, ...] = (512, 512)
    observables: bool = True
    frame: bool = False
    observed_from_mev: float = 0.0
    ramp_mev: tuple[float, float] = (0.15, 0.5)

    def __post_init__(self):
        get_detector(self.detector)  # the line that names the known ones
        at_least("network.knots", self.knots, 2)
        for key in ("head_latent", "shape_latent", "noise_units"):
            at_least(f"network.{key}", getattr(self, key), 1)
        for key in ("head_units", "shape_units", "critic_units"):
            units = getattr(self, key)
            if not units or min(units) < 1:
                raise ConfigError(f"network.{key}: found {units!r}, expected at least one width >= 1")
        at_least("network.observed_from_mev", self.observed_from_mev, 0.0)
        if len(self.ramp_mev) != 2 or not 0.0 <= self.ramp_mev[0] < self.ramp_mev[1]:
            raise ConfigError(f"network.ramp_mev: found {self.ramp_mev!r}, expected two energies, 0 <= first < second")
        if self.frame and not trajectory_kind(self.geometry):
            raise ConfigError(
                f"network.frame: found true for {self.detector}, whose files do not say where and in which direction a "
                "particle enters, expected false"
            )

    @property
    def particle_size(self) -> int:
        """Numbers of the particle in the condition: ln of the energy, attributes."""
        return 1 + len(self.geometry.attributes)

    @property
    def condition_size(self) -> int:
        """Numbers of the particle and the layer energies."""
        return self.particle_size + self.n_layers

    @property
    def latent_parts(self) -> tuple[int, ...]:
        """Numbers for: an empty shower, the head, its layers (gate and value), the shape, its voxels."""
        voxels = sum(self.layer_sizes) if self.voxel_noise else 0
        return 1, self.head_latent, 2 * self.n_layers, self.shape_latent, voxels

    @property
    def latent(self) -> LatentLaw:
        """Normal numbers, the cheap ones: most of them are voxel noise."""
        return LatentLaw(size=sum(self.latent_parts), mean=0.0, std=1.0, law="normal_16bit")

    @property
    def showers_shape(self) -> tuple[int]:
        """A vector of voxels."""
        return (sum(self.layer_sizes),)
