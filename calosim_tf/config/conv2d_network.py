"""What the two-dimensional convolutional networks of 3DGAN look like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from calosim_tf.config.checks import choice, in_half_open_unit
from calosim_tf.config.network import BN_MODES, CubeNetwork
from calosim_tf.errors import ConfigError

GENERATORS = ("g1", "g2", "g3")
CRITIC_CONVOLUTIONS = (18, 27)
OUTPUT_ACTIVATIONS = ("relu", "linear")


@dataclass(frozen=True)
class Conv2dGanNetwork(CubeNetwork):
    """Generators G1, G2, G3 and their critic (Rehm et al. 2021, arXiv 2105.08960; layer tables: authors' code).

    Attributes
    ----------
    latent : LatentLaw
        Multiplied by the incident energy in 100 GeV inside the generator.  Normal in the authors' code, uniform
        without a range in the paper.
    condition_size : int
        1: incident energy in 100 GeV.
    generator : {'g1', 'g2', 'g3'}
        Three branches, one branch per layer of the calorimeter, or a single branch with skip connections.
    output_activation : {'relu', 'linear'}
        Authors' code: ``relu`` for G1, ``linear`` for G2 and G3, whose negative cells fall below the threshold.
    aligned : bool
        G3 only: add tensors whose axes agree and give the convolution each axis once as channel, as the paper says;
        the authors' code (False) adds tensors that are permuted against each other.  Counts are equal.
    critic_convolutions : {18, 27}
        18 for all generators as the paper says; the authors' code has 27 beside G3.
    bn_mode : {'frozen', 'batch'}
        ``frozen``: statistics stay at 0 and 1 and no dropout, since the authors' loop never uses training mode;
        ``batch``: both act in training.
    bn_momentum : float
        Of batch normalisation, in Keras' sense (``batch`` only).
    dropout : float
        Fraction of activations set to 0 in training (``batch`` only).
    leaky_relu_slope : float
    """

    family: ClassVar[str] = "conv2d_3dgan"

    generator: str = "g1"
    output_activation: str = "relu"
    aligned: bool = False
    critic_convolutions: int = 18
    bn_mode: str = "frozen"
    bn_momentum: float = 0.99
    dropout: float = 0.2
    leaky_relu_slope: float = 0.3

    def __post_init__(self):
        super().__post_init__()
        choice("network.generator", self.generator, GENERATORS)
        choice("network.output_activation", self.output_activation, OUTPUT_ACTIVATIONS)
        choice("network.critic_convolutions", self.critic_convolutions, CRITIC_CONVOLUTIONS)
        choice("network.bn_mode", self.bn_mode, BN_MODES)
        in_half_open_unit("network.bn_momentum", self.bn_momentum)
        in_half_open_unit("network.dropout", self.dropout)
        in_half_open_unit("network.leaky_relu_slope", self.leaky_relu_slope)
        if self.aligned and self.generator != "g3":
            raise ConfigError(
                f"network.aligned: found true with network.generator = {self.generator!r}, expected 'g3': only its "
                "skip connections join permuted tensors"
            )
