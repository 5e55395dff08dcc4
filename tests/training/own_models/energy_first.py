"""A generator in two stages: first how much energy is deposited, then, against a critic, where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import keras
import tensorflow as tf

from calosim_tf.config import NETWORKS, TRAININGS, DenseGanNetwork, Experiment, LatentLaw, WganGpTraining
from calosim_tf.experiments import EXPERIMENTS
from calosim_tf.models.calo_shower_gan import build_companions as build_companions
from calosim_tf.training.algorithms.wasserstein import WassersteinGpModel


@dataclass(frozen=True)
class EnergyFirstNetwork(DenseGanNetwork):
    """The dense critic; a generator with a part for the energy."""

    family: ClassVar[str] = __name__


@dataclass(frozen=True)
class EnergyFirstTraining(WganGpTraining):
    """``energy_iterations`` of the energy alone, then those of the WGAN-GP."""

    NETWORKS: ClassVar[tuple[str, ...]] = ("generator", "critic", "energy")
    MODEL: ClassVar[str] = f"{__name__}.EnergyFirstModel"

    algorithm: str = "energy_first"
    energy_iterations: int = 3
    optimizer_energy: str = "adam"
    learning_rate_energy: float = 1e-2
    beta1_energy: float = 0.9
    beta2_energy: float = 0.999

    @property
    def stages(self):
        return self.divided(
            ("energy", ("energy",), self.energy_iterations), ("shape", ("generator", "critic"), self.iterations)
        )


class EnergyFirstModel(WassersteinGpModel):
    """Regression of the deposited share of the energy, then the loop of the WGAN-GP."""

    def updates(self, showers, condition):
        if self.stage.name != "energy":
            return super().updates(showers, condition)
        showers, condition = showers[: self.rows], condition[: self.rows]
        latent = self.draw_latent(self.rows, 0)
        deposited = tf.reduce_sum(showers, axis=1, keepdims=True)

        def losses():
            share = self.networks["energy"]({"latent": latent, "condition": condition}, training=True)
            return {"energy_loss_square": tf.reduce_mean((share - deposited) ** 2)}

        return self.minimise(losses, "energy")


def build_generator(network: EnergyFirstNetwork, seed: int = 0) -> keras.Model:
    """Shares of the voxels times the energy of the part ``energy``."""
    inputs = _inputs(network)
    x = keras.layers.Concatenate()([inputs["latent"], inputs["condition"]])
    kernels = [keras.initializers.GlorotNormal(seed=seed + index) for index in range(4)]
    x = keras.layers.Dense(6, "relu", kernel_initializer=kernels[0])(x)
    shares = keras.layers.Dense(network.n_outputs, "softmax", kernel_initializer=kernels[1])(x)
    showers = keras.layers.Multiply(name="showers")([shares, _energy(network, kernels[2:])(inputs)])
    return keras.Model(inputs, showers, name="generator")


def _energy(network: EnergyFirstNetwork, kernels) -> keras.Model:
    inputs = _inputs(network)
    x = keras.layers.Concatenate()([inputs["latent"], inputs["condition"]])
    x = keras.layers.Dense(4, "tanh", kernel_initializer=kernels[0])(x)
    return keras.Model(inputs, keras.layers.Dense(1, "softplus", kernel_initializer=kernels[1])(x), name="energy")


def _inputs(network: EnergyFirstNetwork) -> dict:
    return {
        "latent": keras.Input((network.latent.size,), name="latent"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


NETWORKS[EnergyFirstNetwork.family] = EnergyFirstNetwork
TRAININGS[EnergyFirstTraining.algorithm] = EnergyFirstTraining
EXPERIMENTS["energy_first"] = Experiment(
    name="energy_first",
    paper="none",
    summary="energy first, then shape",
    network=EnergyFirstNetwork(latent=LatentLaw(size=3, mean=0.0, std=1.0), critic_units=(7, 6)),
    training=EnergyFirstTraining(
        batch_size=8,
        critic_steps=2,
        iterations=7,
        checkpoint_every=2,
        log_every=2,
        epsilon=1e-5,
        generator_average=0.9,
        learning_rate_generator=1e-2,
    ),
)
