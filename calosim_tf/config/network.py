"""What the networks of an experiment look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.errors import ConfigError

ACTIVATIONS = ("relu", "leaky_relu", "swish", "linear")
LATENT_LAWS = ("normal", "normal_16bit", "uniform")
INITIALISERS = ("glorot_normal", "glorot_uniform", "he_normal", "he_uniform")
BN_MODES = ("frozen", "batch")
BN_PLACES = ("none", "hidden", "all")


@dataclass(frozen=True)
class LatentLaw:
    """Independent components fed to the generator.

    Attributes
    ----------
    size : int
    mean, std : float
        Of the normal laws.
    law : {'normal', 'normal_16bit', 'uniform'}
        ``normal_16bit``: one of 65 536 normal quantiles each, several times cheaper to draw; for latents of hundreds of
        numbers.
    low, high : float
        Ends of the ``uniform`` law.
    """

    size: int = 100
    mean: float = 0.5
    std: float = 0.5
    law: str = "normal"
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self):
        choice("network.latent.law", self.law, LATENT_LAWS)
        above("network.latent.high", self.high, self.low)
        at_least("network.latent.size", self.size, 1)
        above("network.latent.std", self.std, 0.0)


@dataclass(frozen=True)
class CubeNetwork:
    """What the networks of 3DGAN for showers at fixed angle have in common: cubes of 25 x 25 x 25 cells in GeV.

    Attributes
    ----------
    latent : LatentLaw
    condition_size : int
        1: incident energy in 100 GeV.
    """

    normalisation: ClassVar[str] = "cube"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((25, 25),) * 25
    showers_shape: ClassVar[tuple[int, int, int]] = (25, 25, 25)

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=200, mean=0.0, std=1.0))
    condition_size: int = 1

    def __post_init__(self):
        choice("network.condition_size", self.condition_size, (1,))


@dataclass(frozen=True)
class DenseGanNetwork:
    """Fully connected generator and critic of CaloShowerGAN.

    Attributes
    ----------
    latent : LatentLaw
    condition_size : int
        Numbers that condition both networks: the energy label, then zeros (FastCaloGAN keeps a place for the
        pseudorapidity).
    n_outputs : int
        Numbers of a training vector: the voxels of a shower, or with ``layer_sizes`` voxels + layers + 1.
    generator_units, critic_units : tuple of int
        Hidden layer widths.
    generator_bn : {'none', 'hidden', 'all'}
        Where batch normalisation stands; ``all`` includes the output layer.
    bn_mode : {'frozen', 'batch'}
        ``frozen``: moving statistics stay at 0 and 1, so the layer is a trained affine map (what the authors' loop
        does); ``batch``: textbook batch statistics in training.
    leaky_relu_slope : float
        Slope of ``leaky_relu`` below zero, in both networks.
    layer_sizes : tuple of int
        Voxels of each layer for layer-normalised vectors, which end in softmax (voxels over their layer), softmax
        (layers over their sum) and ReLU (sum over kinetic energy).  Empty for voxels over kinetic energy.
    layer_gate : bool
        Close layers of small share, so that a layer-normalised generator can leave a layer empty.
    """

    family: ClassVar[str] = "calo_shower_gan"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ()  # those of any detector

    latent: LatentLaw = field(default_factory=LatentLaw)
    condition_size: int = 1
    n_outputs: int = 368
    generator_units: tuple[int, ...] = (100, 200, 400)
    generator_activation: str = "swish"
    output_activation: str = "swish"
    generator_bn: str = "all"
    bn_mode: str = "frozen"
    generator_initialiser: str = "glorot_normal"
    critic_units: tuple[int, ...] = (368, 368, 368)
    critic_activation: str = "relu"
    critic_initialiser: str = "he_uniform"
    leaky_relu_slope: float = 0.0
    layer_sizes: tuple[int, ...] = ()
    layer_gate: bool = False

    def __post_init__(self):
        at_least("network.condition_size", self.condition_size, 1)
        at_least("network.n_outputs", self.n_outputs, 1)
        for key in ("generator_units", "critic_units"):
            units = getattr(self, key)
            if not units or min(units) < 1:
                raise ConfigError(f"network.{key}: found {units!r}, expected at least one width >= 1")
        for key in ("generator_activation", "output_activation", "critic_activation"):
            choice(f"network.{key}", getattr(self, key), ACTIVATIONS)
        for key in ("generator_initialiser", "critic_initialiser"):
            choice(f"network.{key}", getattr(self, key), INITIALISERS)
        choice("network.generator_bn", self.generator_bn, BN_PLACES)
        choice("network.bn_mode", self.bn_mode, BN_MODES)
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)
        self._check_layers()

    @property
    def normalisation(self) -> str:
        """Unless ``data.normalisation`` says otherwise."""
        return "layer" if self.layer_sizes else "kinetic"

    @property
    def showers_shape(self) -> tuple[int]:
        """Shape of one shower as the networks see it."""
        return (self.n_outputs,)

    def _check_layers(self) -> None:
        if self.layer_gate and not self.layer_sizes:
            raise ConfigError(
                "network.layer_gate: found true without network.layer_sizes, expected a layer-normalised network"
            )
        if not self.layer_sizes:
            return
        at_least("network.layer_sizes", min(self.layer_sizes), 1)
        expected = sum(self.layer_sizes) + len(self.layer_sizes) + 1
        if self.n_outputs != expected:
            raise ConfigError(
                f"network.n_outputs: found {self.n_outputs}, expected {expected} for network.layer_sizes = "
                f"{self.layer_sizes} (voxels, layers and the total)"
            )
