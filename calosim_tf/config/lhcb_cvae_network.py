"""Networks of the LHCb CVAE and of the GAN that refines its images (Sergeev et al. 2021), in two generations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.lhcb_network import LHCB_INITIALISERS, SPECTRAL_NORMS
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

ENCODER_STAGES, DECODER_STAGES = 5, 4
EARLY_STAGES = 6  # of encoder and decoder of the first generation
REFINER_STARTS = ("identity", "random")
POOLED_STAGES = 4  # critic: two convolutions before each of two poolings


@dataclass(frozen=True)
class LhcbAutoencoder:
    """What all generations of the autoencoder of 30 x 30 cells have in common.

    Attributes
    ----------
    latent : LatentLaw
        A standard normal: what the divergence pulls the encoder to.
    condition_size : int
        px, py, pz, x, y.
    leaky_relu_slope : float
        Slope below zero in all networks.
    bn_momentum, bn_epsilon : float
        Of batch normalisation, in Keras' sense (PyTorch's momentum is 1 minus this).
    initialiser : {'pytorch', 'glorot_uniform'}
        See :func:`~calosim_tf.layers.initialisers.initial_weights`.
    """

    normalisation: ClassVar[str] = "log_cells"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((30, 30),)
    showers_shape: ClassVar[tuple[int, int, int]] = (30, 30, 1)

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=16, mean=0.0, std=1.0))
    condition_size: int = 5
    initialiser: str = "pytorch"
    leaky_relu_slope: float = 0.01
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5

    def __post_init__(self):
        at_least("network.condition_size", self.condition_size, 1)
        if (self.latent.law, self.latent.mean, self.latent.std) != ("normal", 0.0, 1.0):
            raise ConfigError(
                f"network.latent: found the law {self.latent.law} with mean {self.latent.mean:g} and std "
                f"{self.latent.std:g}, expected normal, 0 and 1, to which the encoder is pulled"
            )
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)
        in_half_open_unit("network.bn_momentum", self.bn_momentum)
        above("network.bn_epsilon", self.bn_epsilon, 0.0)
        choice("network.initialiser", self.initialiser, LHCB_INITIALISERS)


@dataclass(frozen=True)
class LhcbCvaeNetwork(LhcbAutoencoder):
    """Conditional variational autoencoder, last generation; the defaults are the authors' code.

    Attributes
    ----------
    encoder_filters : tuple of int
        Channels of the five convolutions: 30 -> 30 -> 15 -> 7 -> 3 -> 1 cells.
    encoder_units : tuple of int
        Widths of the dense layers behind them, where the condition joins.
    latent_units : int
        Width of the layer that sees the latent alone.
    decoder_units : tuple of int
        Widths of the dense layers behind it, where the condition joins.
    decoder_seed_channels : int
        Channels of the first image, 2 x 2 cells.
    decoder_filters : tuple of int
        Channels of the four transposed convolutions that double the image: 2 -> 4 -> 8 -> 16 -> 32 cells.
    """

    family: ClassVar[str] = "lhcb_cvae"

    encoder_filters: tuple[int, ...] = (32, 64, 128, 256, 256)
    encoder_units: tuple[int, ...] = (128, 64)
    latent_units: int = 64
    decoder_units: tuple[int, ...] = (256,)
    decoder_seed_channels: int = 128
    decoder_filters: tuple[int, ...] = (128, 128, 64, 32)

    def __post_init__(self):
        super().__post_init__()
        for key in ("latent_units", "decoder_seed_channels"):
            at_least(f"network.{key}", getattr(self, key), 1)
        _require_channels("encoder_filters", self.encoder_filters, ENCODER_STAGES)
        _require_channels("decoder_filters", self.decoder_filters, DECODER_STAGES)
        for key in ("encoder_units", "decoder_units"):
            _require_widths(key, getattr(self, key))


@dataclass(frozen=True)
class LhcbRefiner:
    """A refiner of the decoder's images, and its critic; the defaults are the authors' code but for the start.

    Attributes
    ----------
    refiner_filters : tuple of int
        Channels of its convolutions but the last, which has one.
    refiner_windows : tuple of int
        Odd sides of the windows of all of them.
    refiner_start : {'identity', 'random'}
        ``identity``: one channel hands the image on as it is, so that the critic begins with the autoencoder's showers
        (our choice); ``random``: as ``initialiser`` has it (authors' code), where the last ReLU is shut for some seeds.
    critic_filters : tuple of int
        Channels of its four convolutions: two at 30 x 30 cells, two at 15 x 15, then 5 x 5 cells are left.
    critic_units : tuple of int
        Widths of its dense layers before the score; the condition joins the first.
    spectral_norm_critic : bool
        Normalise all its convolutions and dense layers.
    spectral_norm : {'own', 'addons'}
        See :func:`~calosim_tf.layers.spectral_normalisation.normalised`.
    """

    refiner_filters: tuple[int, ...] = (16, 32, 16)
    refiner_windows: tuple[int, ...] = (5, 3, 3, 5)
    refiner_start: str = "identity"
    critic_filters: tuple[int, ...] = (32, 64, 128, 256)
    critic_units: tuple[int, ...] = (128, 32)
    spectral_norm_critic: bool = True
    spectral_norm: str = "own"

    def __post_init__(self):
        # of the autoencoder that this is mixed into
        super().__post_init__()
        for key in ("refiner_filters", "critic_units"):
            _require_widths(key, getattr(self, key))
        expected, odd = len(self.refiner_filters) + 1, all(side > 0 and side % 2 for side in self.refiner_windows)
        if len(self.refiner_windows) != expected or not odd:
            raise ConfigError(
                f"network.refiner_windows: found {self.refiner_windows!r}, expected {expected} odd numbers, one more "
                "than network.refiner_filters"
            )
        _require_channels("critic_filters", self.critic_filters, POOLED_STAGES)
        choice("network.refiner_start", self.refiner_start, REFINER_STARTS)
        choice("network.spectral_norm", self.spectral_norm, SPECTRAL_NORMS)


@dataclass(frozen=True)
class LhcbCvaeCganNetwork(LhcbRefiner, LhcbCvaeNetwork):
    """The last generation of the autoencoder with a refiner of its images."""

    family: ClassVar[str] = "lhcb_cvae_cgan"


@dataclass(frozen=True)
class LhcbEarlyCganNetwork(LhcbRefiner, LhcbAutoencoder):
    """The first generation of the autoencoder, on cells in MeV, with a refiner (authors' code of April 2020).

    Attributes
    ----------
    encoder_filters : tuple of int
        Channels of the six convolutions: three at 30 x 30 cells, pooled to 15 x 15, three at 7 x 7.
    decoder_units : tuple of int
        Widths of the dense layers before the first image.
    decoder_seed_channels : int
        Channels of the first image, 5 x 5 cells.
    decoder_filters : tuple of int
        Channels of the six transposed convolutions before the last: 5 -> 7 -> 9 -> 11 -> 24 -> 26 -> 28 cells.
    """

    family: ClassVar[str] = "lhcb_early_cgan"
    normalisation: ClassVar[str] = "mev_cells"

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=30, mean=0.0, std=1.0))
    encoder_filters: tuple[int, ...] = (16, 32, 32, 64, 64, 128)
    decoder_units: tuple[int, ...] = (128, 512)
    decoder_seed_channels: int = 128
    decoder_filters: tuple[int, ...] = (128, 128, 64, 64, 32, 16)

    def __post_init__(self):
        super().__post_init__()
        at_least("network.decoder_seed_channels", self.decoder_seed_channels, 1)
        for key in ("encoder_filters", "decoder_filters"):
            _require_channels(key, getattr(self, key), EARLY_STAGES)
        _require_widths("decoder_units", self.decoder_units)


def _require_channels(key: str, filters: tuple[int, ...], stages: int) -> None:
    if len(filters) != stages or min(filters) < 1:
        raise ConfigError(f"network.{key}: found {filters!r}, expected {stages} numbers of channels >= 1")


def _require_widths(key: str, widths: tuple[int, ...]) -> None:
    if not widths or min(widths) < 1:
        raise ConfigError(f"network.{key}: found {widths!r}, expected at least one width >= 1")
