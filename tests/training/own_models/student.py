"""A student that learns to repeat the showers of a teacher: one network, and another run that it reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import tensorflow as tf

from calosim_tf.config import NETWORKS, TRAININGS, TaughtTraining
from calosim_tf.experiments import EXPERIMENTS
from calosim_tf.training.model import GenerativeModel
from own_models import vae


@dataclass(frozen=True)
class StudentTraining(TaughtTraining):
    """Mean square of the difference to the teacher's showers."""

    MODEL: ClassVar[str] = f"{__name__}.StudentModel"

    algorithm: str = "student"


class StudentModel(GenerativeModel):
    """Looks at conditions alone: the showers are the teacher's, of the same latents."""

    def updates(self, showers, condition):
        inputs = {"latent": self.draw_latent(self.rows, 0), "condition": condition}
        target = self.teacher(inputs, training=False)
        return self.minimise(
            lambda: {"generator_loss_square": tf.reduce_sum((self.generator(inputs, training=True) - target) ** 2)},
            "generator",
        )


@dataclass(frozen=True)
class StudentNetwork(vae.VaeNetwork):
    """The teacher's decoder alone."""

    family: ClassVar[str] = __name__


build_generator = vae.build_generator


def build_companions(network: StudentNetwork, seed: int = 0) -> dict:
    """None."""
    return {}


NETWORK = StudentNetwork(latent=vae.VAE.network.latent, generator_units=(6, 5))
NETWORKS[StudentNetwork.family] = StudentNetwork
TRAININGS[StudentTraining.algorithm] = StudentTraining
EXPERIMENTS["student"] = replace(
    vae.VAE,
    name="student",
    summary="a student of the variational autoencoder",
    network=NETWORK,
    training=StudentTraining(
        batch_size=8, iterations=40, checkpoint_every=20, log_every=10, learning_rate_generator=3e-3
    ),
)
