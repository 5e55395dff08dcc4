"""Settings of the LAGAN networks and of their training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import at_least, choice, in_half_open_unit
from calosim_tf.config.network import LatentLaw
from calosim_tf.config.sections import AdversarialTraining
from calosim_tf.errors import ConfigError

SIDE = 25
VARIANTS = ("lagan", "fcn", "dcgan", "hybrid")


@dataclass(frozen=True)
class LaganNetwork:
    """LAGAN (arXiv:1701.05927): class-conditional generator and critic of jet images, locally connected layers.

    Attributes
    ----------
    variant : {'lagan', 'fcn', 'dcgan', 'hybrid'}
        Locally connected, or what the paper compares it with: dense, convolutional, and the mean image of both with
        the features of both.  ``generator_filters`` and ``critic_filters`` are of ``lagan`` alone.
    latent : LatentLaw
    seed_channels : int
        Channels of the 7 x 7 map that the generator's dense layer makes.
    generator_filters : tuple of int
        Filters of the convolution, then of the first two locally connected layers; the third has one.
    critic_filters : tuple of int
        Filters of the convolution, then of the three locally connected layers.
    critic_dropout : float
        Behind each of the critic's four activations.
    minibatch_features, minibatch_dimensions : int
        Of minibatch discrimination.
    leaky_relu_slope : float
        Below zero, in both networks.

    Notes
    -----
    The condition is the class of the jet, 0 or 1.  Images are 25 x 25 pixels of one channel, transverse momentum in
    100 GeV.
    """

    family: ClassVar[str] = "lagan"
    normalisation: ClassVar[str] = "jet_pixels"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((SIDE, SIDE),)
    showers_shape: ClassVar[tuple[int, int, int]] = (SIDE, SIDE, 1)
    condition_size: ClassVar[int] = 1

    variant: str = "lagan"
    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=200, mean=0.0, std=1.0))
    seed_channels: int = 128
    generator_filters: tuple[int, ...] = (64, 6, 6)
    critic_filters: tuple[int, ...] = (32, 8, 8, 8)
    critic_dropout: float = 0.2
    minibatch_features: int = 20
    minibatch_dimensions: int = 10
    leaky_relu_slope: float = 0.3  # the default of the authors' Keras

    def __post_init__(self):
        choice("network.variant", self.variant, VARIANTS)
        for key in ("seed_channels", "minibatch_features", "minibatch_dimensions"):
            at_least(f"network.{key}", getattr(self, key), 1)
        for key, count in (("generator_filters", 3), ("critic_filters", 4)):
            found = getattr(self, key)
            if len(found) != count or min(found) < 1:
                raise ConfigError(f"network.{key}: found {found!r}, expected {count} widths >= 1")
        in_half_open_unit("network.critic_dropout", self.critic_dropout)
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)

    @property
    def n_outputs(self) -> int:
        """Pixels of an image."""
        return SIDE * SIDE


@dataclass(frozen=True)
class LaganTraining(AdversarialTraining):
    """Non-saturating GAN whose critic also tells the class of a jet; the defaults are those of the authors' code.

    Attributes
    ----------
    class_weight : float
        Weight of the cross-entropy of the class, in all updates.
    label_flip : float
        Probability that a real/generated label is flipped in a critic update.
    class_flip : float
        The same of the requested class of generated jets, in critic updates; the class of real ones is never flipped.
    generator_class_flip : float
        The same in generator updates.
    """

    CRITIC_OPTIMIZER_STEPS: ClassVar[int] = 2

    MODEL: ClassVar[str] = "calosim_tf.training.algorithms.lagan.LaganModel"

    algorithm: str = "lagan"
    batch_size: int = 100
    critic_steps: int = 1
    generator_steps: int = 2
    learning_rate_generator: float = 2e-4
    learning_rate_critic: float = 2e-4
    beta1_generator: float = 0.5
    beta1_critic: float = 0.5
    epsilon: float = 1e-8
    class_weight: float = 1.0
    label_flip: float = 0.05
    class_flip: float = 0.05
    generator_class_flip: float = 0.09

    def __post_init__(self):
        super().__post_init__()
        at_least("training.class_weight", self.class_weight, 0.0)
        for key in ("label_flip", "class_flip", "generator_class_flip"):
            in_half_open_unit(f"training.{key}", getattr(self, key))
