"""What the three-dimensional convolutional networks of 3DGAN look like."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from calosim_tf.config.checks import above, at_least, choice, in_half_open_unit
from calosim_tf.config.network import BN_MODES, CubeNetwork, LatentLaw

ANGLE_CONDITIONINGS = ("concatenated", "scaled")


@dataclass(frozen=True)
class Conv3dGanNetwork(CubeNetwork):
    """Baseline generator and critic at fixed angle (Khattak et al. 2018; layer tables: authors' code).

    Attributes
    ----------
    latent : LatentLaw
        Multiplied by the incident energy in 100 GeV inside the generator.
    condition_size : int
        1: incident energy in 100 GeV.
    first_filters : int
        Filters of the generator's first convolution: 32 gives the 753 thousand parameters printed by Rehm et al. 2021
        (table 1), every public copy of the code has 64.
    cell_scale : float
        Cells in GeV are multiplied by this before the critic's first layer and divided by it after the generator's last
        one.  It is 100 in a part of the authors' code.
    bn_mode : {'frozen', 'batch'}
        ``batch``: batch statistics and dropout in training, as Keras' ``train_on_batch`` does.
    bn_momentum, bn_epsilon : float
        Of batch normalisation, in Keras' sense; the authors' code has Keras' 0.99.
    dropout : float
        Critic only.
    leaky_relu_slope : float
    """

    family: ClassVar[str] = "conv3d_3dgan"

    first_filters: int = 32
    cell_scale: float = 1.0
    bn_mode: str = "batch"
    bn_momentum: float = 0.99
    bn_epsilon: float = 1e-3
    dropout: float = 0.2
    leaky_relu_slope: float = 0.3

    def __post_init__(self):
        super().__post_init__()
        at_least("network.first_filters", self.first_filters, 1)
        above("network.cell_scale", self.cell_scale, 0.0)
        _check_common(self)


@dataclass(frozen=True)
class AngleGanNetwork:
    """Generator and critic with variable angle of incidence, 51 x 51 x 25 cells (EPJC 82, 386; authors' code).

    Attributes
    ----------
    latent : LatentLaw
        254 numbers beside energy and angle (``concatenated``), or 255 beside the angle (``scaled``).
    condition_size : int
        2: incident energy in 100 GeV, polar angle in rad.
    conditioning : {'concatenated', 'scaled'}
        ``concatenated``: energy, angle and latent side by side; ``scaled`` (older): angle beside latent times energy.
    cell_scale : float
        Cells in GeV are multiplied by this before the power, as in the authors' files.
    cell_power : float
        The networks see (scaled cell energy)**cell_power.
    bn_mode : {'frozen', 'batch'}
    bn_momentum, bn_epsilon : float
        Of batch normalisation, in Keras' sense; the authors' code has Keras' 0.99.
    dropout : float
        Critic only.
    leaky_relu_slope : float
    """

    family: ClassVar[str] = "angle_3dgan"
    normalisation: ClassVar[str] = "cube"
    layer_shapes: ClassVar[tuple[tuple[int, int], ...]] = ((51, 51),) * 25
    showers_shape: ClassVar[tuple[int, int, int]] = (51, 51, 25)

    latent: LatentLaw = field(default_factory=lambda: LatentLaw(size=254, mean=0.0, std=1.0))
    condition_size: int = 2
    conditioning: str = "concatenated"
    cell_scale: float = 50.0
    cell_power: float = 0.85
    bn_mode: str = "batch"
    bn_momentum: float = 0.99
    bn_epsilon: float = 1e-6
    dropout: float = 0.2
    leaky_relu_slope: float = 0.3

    def __post_init__(self):
        choice("network.condition_size", self.condition_size, (2,))
        choice("network.conditioning", self.conditioning, ANGLE_CONDITIONINGS)
        above("network.cell_scale", self.cell_scale, 0.0)
        above("network.cell_power", self.cell_power, 0.0)
        _check_common(self)


def _check_common(network: Conv3dGanNetwork | AngleGanNetwork) -> None:
    choice("network.bn_mode", network.bn_mode, BN_MODES)
    in_half_open_unit("network.bn_momentum", network.bn_momentum)
    above("network.bn_epsilon", network.bn_epsilon, 0.0)
    in_half_open_unit("network.dropout", network.dropout)
    in_half_open_unit("network.leaky_relu_slope", network.leaky_relu_slope)
