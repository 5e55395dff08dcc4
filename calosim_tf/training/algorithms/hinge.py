"""Hinge loss."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses import hinge
from calosim_tf.training.algorithms.score_gan import ScoreGanModel


class HingeModel(ScoreGanModel):
    """Hinge loss (LHCb SAGAN); what keeps the critic smooth is the spectral normalisation in its layers."""

    def critic_losses(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        real, fake = self.with_instance_noise(real, fake, draw)
        real_term, fake_term = hinge.critic_terms(*self.critic_scores(real, fake, condition))
        return {"critic_loss_real": real_term, "critic_loss_fake": fake_term}

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        return {"generator_loss_adversarial": hinge.generator_term(self.generator_scores(fake, condition))}
