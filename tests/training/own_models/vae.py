"""A variational autoencoder of photon showers: no critic, an encoder beside the generator, one loss for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import keras
import tensorflow as tf

from calosim_tf.config import NETWORKS, TRAININGS, DenseGanNetwork, Experiment, LatentLaw, TrainingConfig
from calosim_tf.experiments import EXPERIMENTS
from calosim_tf.models.calo_shower_gan import build_generator as build_generator
from calosim_tf.training.model import GenerativeModel


@dataclass(frozen=True)
class VaeNetwork(DenseGanNetwork):
    """Decoder of the dense family, an encoder of one hidden layer."""

    family: ClassVar[str] = __name__

    encoder_units: int = 8


@dataclass(frozen=True)
class VaeTraining(TrainingConfig):
    """Evidence lower bound with unit variance of the voxels."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "encoder")
    MODEL: ClassVar[str] = f"{__name__}.VaeModel"

    algorithm: str = "vae"
    optimizer_encoder: str = "adam"
    learning_rate_encoder: float = 1e-3
    beta1_encoder: float = 0.9
    beta2_encoder: float = 0.999


class VaeModel(GenerativeModel):
    """Both networks learn from the sum of reconstruction and divergence."""

    def updates(self, showers, condition):
        noise = self.draws.normal((self.rows, self.latent.size), 0, 0.0, 1.0)

        def losses():
            code = self.networks["encoder"]({"showers": showers, "condition": condition}, training=True)
            latent = code["mean"] + tf.exp(code["log_variance"] / 2.0) * noise
            again = self.generator({"latent": latent, "condition": condition}, training=True)
            divergence = tf.exp(code["log_variance"]) + code["mean"] ** 2 - 1.0 - code["log_variance"]
            return {
                "generator_loss_reconstruction": tf.reduce_mean(tf.reduce_sum((again - showers) ** 2, axis=1)),
                "generator_loss_divergence": tf.reduce_mean(tf.reduce_sum(divergence, axis=1)) / 2.0,
            }

        return self.minimise(losses, "generator", "encoder")


def build_companions(network: VaeNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """The encoder: mean and logarithm of the variance of the latent."""
    showers = keras.Input((network.n_outputs,), name="showers")
    condition = keras.Input((network.condition_size,), name="condition")
    x = keras.layers.Concatenate()([showers, condition])
    kernels = [keras.initializers.GlorotNormal(seed=seed + index) for index in range(3)]
    x = keras.layers.Dense(network.encoder_units, "tanh", kernel_initializer=kernels[0])(x)
    code = {
        name: keras.layers.Dense(network.latent.size, kernel_initializer=kernel, name=name)(x)
        for name, kernel in zip(("mean", "log_variance"), kernels[1:], strict=True)
    }
    return {"encoder": keras.Model({"showers": showers, "condition": condition}, code, name="encoder")}


NETWORKS[VaeNetwork.family] = VaeNetwork
TRAININGS[VaeTraining.algorithm] = VaeTraining
VAE = Experiment(
    name="vae",
    paper="none",
    summary="a variational autoencoder",
    network=VaeNetwork(latent=LatentLaw(size=3, mean=0.0, std=1.0), generator_units=(6, 5)),
    training=VaeTraining(
        batch_size=8, iterations=5, checkpoint_every=2, log_every=3, learning_rate_generator=1e-3, epsilon=1e-5
    ),
)
EXPERIMENTS[VAE.name] = VAE
