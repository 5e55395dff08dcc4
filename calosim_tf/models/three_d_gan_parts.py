"""What all networks of 3DGAN are built from."""

from __future__ import annotations

import itertools

import keras

from calosim_tf.layers.batch_normalisation import BatchNormalisation
from calosim_tf.layers.seeded_dropout import SeededDropout
from calosim_tf.layers.shower_image import CellSum


class Parts:
    """Makes the layers of one network: consecutive kernel seeds, one slope, one way to normalise and to drop out.

    Parameters
    ----------
    network : Conv2dGanNetwork, Conv3dGanNetwork or AngleGanNetwork
    seed : int
        Seed of the first kernel.
    bn_epsilon : float
    """

    def __init__(self, network, seed: int, bn_epsilon: float = 1e-3):
        self.network = network
        self.bn_epsilon = bn_epsilon
        self._seeds = itertools.count(seed)

    def kernel(self, initialiser: str) -> keras.initializers.Initializer:
        """Initialiser with its own seed."""
        return keras.initializers.get({"class_name": initialiser, "config": {"seed": next(self._seeds)}})

    def dense(self, x, units: int, name: str, activation: str = "linear"):
        """Fully connected layer with bias, glorot_uniform (Keras default)."""
        layer = keras.layers.Dense(
            units, activation=activation, kernel_initializer=self.kernel("glorot_uniform"), name=name
        )
        return layer(x)

    def leaky(self, x):
        """Leaky ReLU."""
        return keras.layers.LeakyReLU(self.network.leaky_relu_slope)(x)

    def conv3d(self, x, filters: int, kernel: tuple, padding: str, initialiser: str, name: str, bias: bool = True):
        """Three-dimensional convolution of a (batch, x, y, z, channel) tensor."""
        layer = keras.layers.Conv3D(
            filters, kernel, padding=padding, use_bias=bias, kernel_initializer=self.kernel(initialiser), name=name
        )
        return layer(x)

    def normalise(self, x, name: str | None = None):
        """Batch normalisation over the last axis."""
        frozen, momentum = self.network.bn_mode == "frozen", self.network.bn_momentum
        return BatchNormalisation(frozen=frozen, momentum=momentum, epsilon=self.bn_epsilon, name=name)(x)

    def drop(self, x):
        """Dropout; without the training flag, as with frozen normalisation, it never acts."""
        if self.network.bn_mode == "frozen" or self.network.dropout == 0.0:
            return x
        return SeededDropout(self.network.dropout)(x)

    def scaled_latent(self):
        """Inputs ``latent`` and ``condition``, and the latent times the energy in 100 GeV."""
        latent = keras.Input((self.network.latent.size,), name="latent")
        condition = keras.Input((self.network.condition_size,), name="condition")
        scaled = keras.layers.Multiply(name="latent_times_energy")([latent, condition])
        return {"latent": latent, "condition": condition}, scaled

    def critic_inputs(self) -> dict:
        """Inputs of a critic; it judges the image alone, so its condition is connected to nothing."""
        return {
            "showers": keras.Input(self.network.showers_shape, name="showers"),
            "condition": keras.Input((self.network.condition_size,), name="condition"),
        }

    def heads(self, features, showers) -> dict:
        """The three outputs of every critic, each (batch, 1).

        ``generation``: probability that the shower is real; ``auxiliary``: incident energy in 100 GeV; ``ecal``: sum
        of the cells, which has no weights.
        """
        return {
            "generation": self.dense(features, 1, "generation", "sigmoid"),
            "auxiliary": self.dense(features, 1, "auxiliary"),
            "ecal": CellSum(name="ecal")(showers),
        }
