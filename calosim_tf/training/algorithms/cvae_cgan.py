"""Variational autoencoder, then a refiner of its images against a critic."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.errors import ConfigError
from calosim_tf.losses import hinge, wasserstein
from calosim_tf.training.algorithms.cvae import elbo_losses
from calosim_tf.training.algorithms.wasserstein import WassersteinGpModel

SCORE_LOSSES = {"hinge": hinge, "wasserstein": wasserstein}


class CvaeCganModel(WassersteinGpModel):
    """Two stages: decoder and encoder, then generator (decoder and refiner) and critic."""

    def prepare(self, source, normalisation) -> None:
        """Refuse a batch of the first stage that the replicas cannot share."""
        batch, number = self.training_config.cvae_batch_size, self.replicas.number
        if batch % number:
            raise ConfigError(
                f"training.cvae_batch_size: found {batch}, expected a multiple of {number}, the number of replicas"
            )

    def trained_variables(self, which: str) -> list[tf.Variable]:
        """The generator's optimiser has the decoder too, unless that is frozen; the decoder's is of the first stage."""
        if which == "generator" and not self.training_config.freeze_cvae:
            return self.generator.trainable_variables
        return super().trained_variables(which)

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update of the autoencoder, or those of critic and generator."""
        if self.stage.trains_generator:
            return super().updates(showers, condition)
        return self.minimise(lambda: elbo_losses(self, "decoder", showers, condition), "decoder", "encoder")

    def generated(self, latent, condition) -> tf.Tensor:
        """A frozen decoder normalises with its moving statistics, and leaves them; the refiner has none."""
        inputs = {"latent": latent, "condition": condition}
        return self.generator(inputs, training=not self.training_config.freeze_cvae)

    def critic_losses(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        real, fake = self.with_instance_noise(real, fake, draw)
        loss = SCORE_LOSSES[self.training_config.score_loss]
        real_term, fake_term = loss.critic_terms(*self.critic_scores(real, fake, condition))
        logs = {"critic_loss_real": real_term, "critic_loss_fake": fake_term}
        if self.training_config.penalty_weight > 0.0:
            logs |= self.penalty_terms(real, fake, condition, draw)
        return logs

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        loss = SCORE_LOSSES[self.training_config.score_loss]
        return {"generator_loss_adversarial": loss.generator_term(self.generator_scores(fake, condition))}
