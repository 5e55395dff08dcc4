"""Original GAN of the ILD's calorimeter: one batch of generated showers per iteration, seen by both updates."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.losses import non_saturating
from calosim_tf.training.gan import AdversarialModel

LATENT, ENERGY = 0, 1


class IlcGanModel(AdversarialModel):
    """The discriminator learns first; the generator then learns from its new weights, on the same generated showers."""

    def generated_condition(self, condition, draw: int) -> tf.Tensor:
        """Energies uniform in the range of the settings, GeV."""
        low, high = self.training_config.generated_energy_gev
        return low + (high - low) * self.draws.uniform((self.rows, 1), draw)

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update of each network."""
        latent = self.draw_latent(self.rows, LATENT)
        energy = self.generated_condition(condition, ENERGY)

        def losses():
            fake = self.generated(latent, energy)
            logs = self._discriminator_update(showers, condition, tf.stop_gradient(fake), energy)
            return {"generator_loss_adversarial": non_saturating.generator_term(self._logits(fake, energy)), **logs}

        return self.minimise(losses, "generator")

    def _discriminator_update(self, real, condition, fake, energy) -> dict[str, tf.Tensor]:
        def losses():
            # two passes: batch normalisation does not mix real and generated showers
            real_logits, fake_logits = self._logits(real, condition), self._logits(fake, energy)
            return {
                "critic_loss_real": non_saturating.cross_entropy(real_logits, tf.ones_like(real_logits)),
                "critic_loss_fake": non_saturating.cross_entropy(fake_logits, tf.zeros_like(fake_logits)),
            }

        return self.minimise(losses, "critic")

    def _logits(self, showers, condition) -> tf.Tensor:
        return self.critic({"showers": showers, "condition": condition}, training=True)
