"""Wasserstein GAN with a constrainer: the error of the measured energy is to be that of real showers."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses.attribute_error import mean_absolute_errors
from calosim_tf.training.algorithms.wasserstein import WassersteinGpModel
from calosim_tf.training.model import mean_over_updates


class IlcWganModel(WassersteinGpModel):
    """Each update has its own minibatch; the constrainer learns from the real showers of the critic's."""

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """All updates of one iteration; the logs are means over the updates of each network."""
        config, critic_logs, generator_logs = self.training_config, [], []
        for step in range(config.critic_steps):
            rows = self._minibatch(step)
            real, energy = showers[rows], condition[rows]
            logs = self.critic_update(real, energy, draw=self.CRITIC_DRAWS * step)
            critic_logs.append({**logs, **self._constrainer_update(real, energy)})
        for step in range(config.generator_steps):
            rows = self._minibatch(config.critic_steps + step)
            draw = self.CRITIC_DRAWS * config.critic_steps + self.GENERATOR_DRAWS * step
            generator_logs.append(self._generator_update(showers[rows], condition[rows], draw))
        return {**mean_over_updates(critic_logs), **mean_over_updates(generator_logs)}

    def _constrainer_update(self, real, condition) -> dict[str, tf.Tensor]:
        def losses():
            errors = mean_absolute_errors(self._measured(real, training=True), condition)
            return {"constrainer_loss_energy": tf.reduce_mean(errors)}

        return self.minimise(losses, "constrainer")

    def _generator_update(self, real, condition, draw: int) -> dict[str, tf.Tensor]:
        latent = self.draw_latent(self.rows, draw)
        real_errors = (self._measured(real) - condition) ** 2

        def losses():
            fake = self.generated(latent, condition)
            excess = (self._measured(fake) - condition) ** 2 - real_errors
            return {
                **self.generator_losses(fake, condition),
                "generator_loss_energy": self.training_config.energy_weight * tf.reduce_mean(tf.abs(excess)),
            }

        return self.minimise(losses, "generator")

    def _measured(self, showers, training: bool = False) -> tf.Tensor:
        """Incident energies that the constrainer finds, GeV, shape (batch, 1)."""
        return self.networks["constrainer"]({"showers": showers}, training=training)
