"""Generator against critic: critic updates, then generator updates, inside one traced graph.

A loss overrides :meth:`AdversarialModel.critic_losses` and :meth:`AdversarialModel.generator_losses`, or, where real
and generated showers are not judged together, :meth:`AdversarialModel.critic_update`; the loop is the same for all.
"""

from __future__ import annotations

from typing import ClassVar

import keras
import tensorflow as tf

from calosim_tf.training.model import GenerativeModel, mean_over_updates


class AdversarialModel(GenerativeModel):
    """Generator and critic trained against each other; ``networks`` holds a ``critic``, ``training`` its settings.

    Notes
    -----
    The generator update uses the conditions of the last ``generator_steps`` minibatches, as the code of the
    CaloShowerGAN authors does (with one generator step, those of the last minibatch).
    """

    # Random draws of one update; the numbers after the latent are the loss's own
    CRITIC_DRAWS: ClassVar[int] = 2
    GENERATOR_DRAWS: ClassVar[int] = 1

    @property
    def critic(self) -> keras.Model:
        """The network that tells real showers from generated ones; inputs ``showers`` and ``condition``."""
        return self.networks["critic"]

    def critic_losses(self, real, fake, condition, draw: int) -> dict[str, tf.Tensor]:
        """Terms of the critic's loss by name; those that start with ``critic_loss_`` are summed and minimised."""
        raise TypeError(f"{type(self).__name__} defines no critic loss")

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        """Terms of the generator's loss by name; those that start with ``generator_loss_`` are summed and minimised."""
        raise TypeError(f"{type(self).__name__} defines no generator loss")

    def generated_condition(self, condition, draw: int) -> tf.Tensor:
        """Conditions of the generated showers of one update: those of the real ones, unless a loss draws its own.

        Parameters
        ----------
        condition : tensor, shape (batch, condition_size)
            Of the real showers.
        draw : int
            First free draw number of the update.
        """
        return condition

    def generated(self, latent, condition) -> tf.Tensor:
        """Showers of the generator in training."""
        return self.generator({"latent": latent, "condition": condition}, training=True)

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """All updates of one iteration; the logs are means over the updates of each network."""
        config = self.training_config
        critic_logs = []
        for step in range(config.critic_steps):
            rows = self._minibatch(step)
            critic_logs.append(self.critic_update(showers[rows], condition[rows], draw=self.CRITIC_DRAWS * step))
        generator_logs = []
        first_draw = self.CRITIC_DRAWS * config.critic_steps
        for step in range(config.generator_steps):
            # counted from the end; more generator than critic steps reuse the batches cyclically
            rows = self._minibatch(config.critic_steps - 1 - (config.generator_steps - 1 - step) % config.critic_steps)
            draw = first_draw + self.GENERATOR_DRAWS * step
            generator_logs.append(self.generator_update(condition[rows], draw))
        return {**mean_over_updates(critic_logs), **mean_over_updates(generator_logs)}

    def critic_update(self, real, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the critic on a minibatch; draws ``draw`` (latent) and after are its own."""
        latent = self.draw_latent(self.rows, draw)
        fake = self.generated(latent, condition)
        return self.minimise(lambda: self.critic_losses(real, fake, condition, draw + 1), "critic")

    def generator_update(self, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the generator; draws ``draw`` (latent) and after are its own."""
        latent = self.draw_latent(self.rows, draw)
        condition = self.generated_condition(condition, draw + 1)

        def losses():
            fake = self.generated(latent, condition)
            return self.generator_losses(fake, condition)

        return self.minimise(losses, "generator")

    def _minibatch(self, step: int) -> slice:
        first = 0 if self.training_config.reuse_minibatch else step * self.rows
        return slice(first, first + self.rows)
