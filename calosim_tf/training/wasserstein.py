"""Wasserstein loss with gradient penalty."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses import wasserstein
from calosim_tf.losses.gradient_penalty import gradient_penalty, mix_showers
from calosim_tf.training import random
from calosim_tf.training.gan import AdversarialModel


class WassersteinGpModel(AdversarialModel):
    """WGAN-GP: the penalty acts on voxels only and mixes real and generated showers event by event."""

    def critic_losses(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        batch = self.training_config.batch_size
        # One pass over real and generated together: half the calls, the same numbers
        scores = self.critic(
            {"showers": tf.concat([real, fake], 0), "condition": tf.concat([condition, condition], 0)}, training=True
        )
        real_term, fake_term = wasserstein.critic_terms(scores[:batch], scores[batch:])
        alpha_shape = (batch, *[1] * (len(real.shape) - 1))
        alpha = random.uniform(alpha_shape, self.seed, self.iteration, draw)
        penalty, norm = gradient_penalty(
            lambda mixed: self.critic({"showers": mixed, "condition": condition}, training=True),
            mix_showers(real, fake, alpha),
        )
        return {
            "critic_loss_real": real_term,
            "critic_loss_fake": fake_term,
            "critic_loss_penalty": self.training_config.penalty_weight * penalty,
            "gradient_norm": norm,
        }

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        scores = self.critic({"showers": fake, "condition": condition}, training=True)
        return {"generator_loss_adversarial": wasserstein.generator_term(scores)}
