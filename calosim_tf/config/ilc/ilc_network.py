"""Networks of the ILD's calorimeter, 30 layers of 30 x 30 cells in MeV: what all have in common, WGAN and GAN."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import above, choice, in_half_open_unit
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

ILC_INITIALISERS = ("pytorch", "normal", "glorot_uniform")


@dataclass(frozen=True)
class IlcNetwork:
    """What the networks of "Getting High" (Buhmann et al. 2021) have in common; all defaults are the authors' code.

    Attributes
    ----------
    latent : LatentLaw
    condition_size : int
        1: incident energy in GeV.
    leaky_relu_slope : float
        Slope below zero.
    initialiser : {'pytorch', 'normal', 'glorot_uniform'}
        ``normal``: kernels of standard deviation ``initial_std``, factors of normalisations the same around 1; the
        others as for :func:`~calosim_tf.layers.initialisers.initial_weights`.
    initial_std : float
    """

    normalisation: ClassVar[str] = "mev_cube"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((30, 30),) * 30
    showers_shape: ClassVar[tuple[int, int, int, int]] = (30, 30, 30, 1)

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=100, law="uniform"))
    condition_size: int = 1
    leaky_relu_slope: float = 0.2
    initialiser: str = "normal"
    initial_std: float = 0.02

    def __post_init__(self):
        choice("network.condition_size", self.condition_size, (1,))
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)
        choice("network.initialiser", self.initialiser, ILC_INITIALISERS)
        above("network.initial_std", self.initial_std, 0.0)

    def require_channels(self, key: str, number: int) -> None:
        """Refuse another number of layers than ``number``, or one without a channel."""
        found = getattr(self, key)
        if len(found) != number or min(found) < 1:
            raise ConfigError(f"network.{key}: found {found!r}, expected {number} numbers of channels >= 1")

    def require_widths(self, key: str) -> None:
        """Refuse a dense layer without a number, or no layer at all."""
        found = getattr(self, key)
        if not found or min(found) < 1:
            raise ConfigError(f"network.{key}: found {found!r}, expected at least one width >= 1")


@dataclass(frozen=True)
class IlcWganNetwork(IlcNetwork):
    """Wasserstein GAN with a constrainer.

    Attributes
    ----------
    generator_filters : tuple of int
        Channels at 4, 8, 16 and 32 cells; the first twice, from the energy and from the latent.
    critic_filters : tuple of int
        Channels of its convolutions but the last, which has one.
    critic_units : tuple of int
        Widths of its dense layers before the score; the energy joins the first.
    constrainer_filters, constrainer_units : tuple of int
        Of the network that measures the energy.
    """

    family: ClassVar[str] = "ilc_wgan"

    generator_filters: tuple[int, ...] = (128, 128, 64, 32)
    critic_filters: tuple[int, ...] = (32, 64, 128)
    critic_units: tuple[int, ...] = (100, 200, 100, 75)
    constrainer_filters: tuple[int, ...] = (16, 32, 16)
    constrainer_units: tuple[int, ...] = (100,)

    def __post_init__(self):
        super().__post_init__()
        self.require_channels("generator_filters", 4)
        for key in ("critic_filters", "constrainer_filters"):
            self.require_channels(key, 3)
        for key in ("critic_units", "constrainer_units"):
            self.require_widths(key)


@dataclass(frozen=True)
class IlcGanNetwork(IlcNetwork):
    """Original GAN.

    Attributes
    ----------
    generator_filters : tuple of int
        Channels at 4, 8, 16 and 32 cells.  Half of the released ones give the 1.5 million parameters that are printed.
    critic_filters : tuple of int
        Channels at 17, 9, 5, 3 and 1 cells.
    critic_units : tuple of int
        Widths of its dense layers before the logit; the energy joins the first.
    """

    family: ClassVar[str] = "ilc_gan"

    generator_filters: tuple[int, ...] = (256, 128, 64, 32)
    critic_filters: tuple[int, ...] = (32, 64, 128, 256, 128)
    critic_units: tuple[int, ...] = (64,)

    def __post_init__(self):
        super().__post_init__()
        self.require_channels("generator_filters", 4)
        self.require_channels("critic_filters", 5)
        self.require_widths("critic_units")
