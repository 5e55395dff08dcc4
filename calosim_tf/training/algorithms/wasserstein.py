"""Wasserstein loss with gradient penalty."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses import wasserstein
from calosim_tf.losses.gradient_penalty import gradient_penalty, mix_showers, shift_showers
from calosim_tf.training.algorithms.score_gan import ScoreGanModel


class WassersteinGpModel(ScoreGanModel):
    """WGAN-GP: the penalty acts on voxels only, at one point per event, between real and generated or near real."""

    def critic_losses(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        real, fake = self.with_instance_noise(real, fake, draw)
        real_term, fake_term = wasserstein.critic_terms(*self.critic_scores(real, fake, condition))
        return {
            "critic_loss_real": real_term,
            "critic_loss_fake": fake_term,
            **self.penalty_terms(real, fake, condition, draw),
        }

    def penalty_terms(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        """The penalty with its weight, and the mean norm of the gradient."""
        penalty, norm = gradient_penalty(
            lambda points: self.critic({"showers": points, "condition": condition}, training=True),
            self._penalty_points(real, fake, draw),
        )
        return {"critic_loss_penalty": self.training_config.penalty_weight * penalty, "gradient_norm": norm}

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        return {"generator_loss_adversarial": wasserstein.generator_term(self.generator_scores(fake, condition))}

    def _penalty_points(self, real, fake, draw: int) -> tf.Tensor:
        if self.training_config.penalty == "local":
            std = self.training_config.penalty_noise
            return shift_showers(real, self.draws.normal(real.shape, draw, 0.0, std))
        alpha_shape = (self.rows, *[1] * (len(real.shape) - 1))
        return mix_showers(real, fake, self.draws.uniform(alpha_shape, draw))
