"""Networks of the LHCb SAGAN and of the WGAN it starts from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.network import LatentLaw
from calosim_tf.errors import ConfigError

ATTENTION = ("none", "one_each", "two_each")
SPECTRAL_NORMS = ("own", "addons")
LHCB_INITIALISERS = ("pytorch", "glorot_uniform")
STAGES = 4  # generator 2 -> 4 -> 8 -> 16 -> 32 cells, critic 30 -> 15 -> 7 -> 3 -> 1


@dataclass(frozen=True)
class LhcbGanNetwork:
    """Convolutional generator and critic for 30 x 30 cells; the defaults are the WGAN without attention.

    Attributes
    ----------
    latent : LatentLaw
    condition_size : int
        px, py, pz, x, y.
    generator_filters : tuple of int
        Channels before each of the four transposed convolutions; the last one ends in one channel.
    critic_filters : tuple of int
        Channels after each of the four convolutions.
    critic_units : tuple of int
        Widths of the dense layers between the convolutions and the score.
    attention : {'none', 'one_each', 'two_each'}
        Self-attention blocks per network: ``one_each`` after the second stage of both, ``two_each`` after stages 2 and
        3 of the generator and 1 and 2 of the critic.
    value_full_width : bool
        See :class:`~calosim_tf.layers.self_attention.SelfAttention`.
    spectral_norm_generator, spectral_norm_critic : bool
        Normalise all transposed convolutions of the generator; all convolutions and dense layers of the critic.
    normalise_generator_dense : bool
        With ``spectral_norm_generator``: its dense layer too.
    normalise_attention : bool
        With either: the 1x1 convolutions of that network's attention blocks too.
    spectral_norm : {'own', 'addons'}
        See :func:`~calosim_tf.layers.spectral_normalisation.normalised`.
    leaky_relu_slope : float
        Slope below zero after the generator's dense layer and everywhere in the critic.
    bn_momentum, bn_epsilon : float
        Of the generator's batch normalisation, in Keras' sense (PyTorch's momentum is 1 minus this).
    initialiser : {'pytorch', 'glorot_uniform'}
        See :func:`~calosim_tf.layers.initialisers.initial_weights`.
    """

    family: ClassVar[str] = "lhcb_gan"
    normalisation: ClassVar[str] = "log_cells"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((30, 30),)
    showers_shape: ClassVar[tuple[int, int, int]] = (30, 30, 1)

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=256, mean=0.0, std=1.0))
    condition_size: int = 5
    generator_filters: tuple[int, ...] = (256, 128, 64, 32)
    critic_filters: tuple[int, ...] = (32, 64, 128, 256)
    critic_units: tuple[int, ...] = (64, 32)
    attention: str = "none"
    value_full_width: bool = False
    spectral_norm_generator: bool = False
    spectral_norm_critic: bool = False
    normalise_generator_dense: bool = True
    normalise_attention: bool = True
    spectral_norm: str = "own"
    leaky_relu_slope: float = 0.01
    bn_momentum: float = 0.9
    bn_epsilon: float = 1e-5
    initialiser: str = "pytorch"

    def __post_init__(self):
        at_least("network.condition_size", self.condition_size, 1)
        for key in ("generator_filters", "critic_filters"):
            filters = getattr(self, key)
            if len(filters) != STAGES or min(filters) < 1:
                raise ConfigError(f"network.{key}: found {filters!r}, expected {STAGES} numbers of channels >= 1")
        if not self.critic_units or min(self.critic_units) < 1:
            raise ConfigError(f"network.critic_units: found {self.critic_units!r}, expected at least one width >= 1")
        choice("network.attention", self.attention, ATTENTION)
        choice("network.spectral_norm", self.spectral_norm, SPECTRAL_NORMS)
        choice("network.initialiser", self.initialiser, LHCB_INITIALISERS)
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)
        in_half_open_unit("network.bn_momentum", self.bn_momentum)
        above("network.bn_epsilon", self.bn_epsilon, 0.0)
