"""Settings of the CaloGAN networks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import at_least, choice, in_half_open_unit
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

VARIANTS = ("conditional", "explicit_blur", "original")
SPARSITY_FORMS = ("authors", "literal", "root", "hard")

# Rows (x, vertical) and columns (y) of the three layers: arXiv:1705.02355, section 2
LAYER_SHAPES = ((3, 96), (12, 12), (12, 6))
LAYER_SIZES = tuple(rows * columns for rows, columns in LAYER_SHAPES)
ATTRIBUTES = ("theta_rad", "phi_rad", "x0_mm", "y0_mm")


@dataclass(frozen=True)
class CaloGanNetwork:
    """CaloGAN (arXiv:1705.02355) and Conditional CaloGAN (J. Phys. Conf. Ser. 1085 042017).

    Attributes
    ----------
    variant : {'conditional', 'explicit_blur', 'original'}
        ``conditional``: the authors' release code, which is what section 6.1 describes: convolutions throughout,
        smearing heads, one fixed blur.  ``explicit_blur``: a later experiment of theirs with other kernels and no fixed
        blur; its weight decay is left out.  ``original``: locally connected layers, conditioned on the energy alone.
    latent : LatentLaw
    seed_channels : int
        Channels of the map that the generator's dense layers make.
    generator_filters : tuple of int
        Filters of the two convolutions before the last one of each stream.
    smearing_filters : int
        Filters of the smearing heads (not in ``original``).
    critic_filters : tuple of int
        Filters of the convolutions on each layer: 3, or 4 in ``original``.
    attribute_units, attribute_dropout : tuple of int, of float
        Hidden widths of the network that estimates the attributes, and the dropout behind each (not in ``original``).
    sparsity : {'authors', 'literal', 'root', 'hard'}
        Forms of :class:`calosim_tf.layers.soft_sparsity.SoftSparsity`.
    minibatch_features, minibatch_dimensions : int
        Of minibatch discrimination.
    leaky_relu_slope : float
        Below zero, in both networks.

    Notes
    -----
    The condition is the incident energy in GeV, then (not in ``original``) theta and phi in rad, x0 and y0 in mm; the
    networks scale them.  Showers are flat, 288 + 144 + 72 cells in GeV.
    """

    family: ClassVar[str] = "calogan"
    normalisation: ClassVar[str] = "gev"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = LAYER_SHAPES

    variant: str = "conditional"
    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=1024, mean=0.0, std=1.0))
    seed_channels: int = 36
    generator_filters: tuple[int, ...] = (64, 16)
    smearing_filters: int = 32
    critic_filters: tuple[int, ...] = (16, 32, 64)
    attribute_units: tuple[int, ...] = (512, 1024, 1024, 128)
    attribute_dropout: tuple[float, ...] = (0.2, 0.5, 0.5, 0.5)
    sparsity: str = "authors"
    minibatch_features: int = 10
    minibatch_dimensions: int = 10
    leaky_relu_slope: float = 0.3  # the default of the authors' Keras

    def __post_init__(self):
        choice("network.variant", self.variant, VARIANTS)
        choice("network.sparsity", self.sparsity, SPARSITY_FORMS)
        for key in ("seed_channels", "smearing_filters", "minibatch_features", "minibatch_dimensions"):
            at_least(f"network.{key}", getattr(self, key), 1)
        self._check_widths("generator_filters", 2)
        self._check_widths("critic_filters", 4 if self.variant == "original" else 3)
        self._check_widths("attribute_units", len(self.attribute_dropout))
        for rate in self.attribute_dropout:
            in_half_open_unit("network.attribute_dropout", rate)
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)

    def _check_widths(self, key: str, count: int) -> None:
        found = getattr(self, key)
        if len(found) != count or any(width < 1 for width in found):
            raise ConfigError(f"network.{key}: found {found!r}, expected {count} widths >= 1")

    @property
    def condition_size(self) -> int:
        """Numbers that condition both networks."""
        return 1 if self.variant == "original" else 1 + len(ATTRIBUTES)

    @property
    def n_outputs(self) -> int:
        """Cells of a shower."""
        return sum(LAYER_SIZES)

    @property
    def showers_shape(self) -> tuple[int]:
        """Shape of one shower as the networks see it."""
        return (self.n_outputs,)


def original_calogan(**settings) -> CaloGanNetwork:
    """The original CaloGAN with the widths of its authors' code; ``settings`` replace fields."""
    defaults = {
        "variant": "original",
        "generator_filters": (16, 6),
        "critic_filters": (64, 16, 8, 8),
        "sparsity": "hard",
    }
    return CaloGanNetwork(**{**defaults, **settings})
