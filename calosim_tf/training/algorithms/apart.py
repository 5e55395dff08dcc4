"""A critic that learns real and generated showers in two steps, as in the authors' Keras loops of CaloGAN and LAGAN."""

from __future__ import annotations

from typing import ClassVar

import tensorflow as tf

from calosim_tf.layers.replicas import ALONE
from calosim_tf.layers.seeded_dropout import SeededDropout, UniformSource, dropout_numbers
from calosim_tf.training.gan import AdversarialModel

# Dropout layers of a critic that can draw separately
DROPOUT_DRAWS = 16


class ApartModel(AdversarialModel):
    """A critic update is two steps of its optimiser, one on real and one on generated showers.

    They are kept apart because batch normalisation and minibatch discrimination compare the showers of a batch.  Those
    generated showers come from the generator in inference mode, with conditions of their own
    (:meth:`generated_condition`).

    A loss overrides :meth:`_critic_terms`.
    """

    # Uniform numbers of each shower in a critic update, for flips of its labels
    FLIPS: ClassVar[int] = 2
    # latent, conditions, flips, dropout of the pass on real and of that on generated showers
    CRITIC_DRAWS: ClassVar[int] = 3 + 2 * DROPOUT_DRAWS

    def __init__(self, networks, average, latent, training, seed, conditions=None, replicas=ALONE):
        super().__init__(networks, average, latent, training, seed, conditions, replicas)
        if sum(isinstance(layer, SeededDropout) for layer in self.critic.layers) > DROPOUT_DRAWS:
            raise TypeError(
                f"{type(self).__name__} has random numbers for {DROPOUT_DRAWS} dropout layers of the critic"
            )

    def _critic_terms(self, showers, condition, is_real: bool, flips: tf.Tensor) -> dict[str, tf.Tensor]:
        """Terms and diagnostics of one pass of the critic, ``accuracy`` among them.

        Parameters
        ----------
        showers, condition : tensor
        is_real : bool
        flips : tensor, shape (FLIPS, batch, 1)
            Uniform numbers in [0, 1); the same for both passes of an update.
        """
        raise TypeError(f"{type(self).__name__} defines no terms of the critic")

    def critic_update(self, real, condition, draw: int) -> dict[str, tf.Tensor]:
        """One step on real, one on generated showers."""
        latent = self.draw_latent(self.rows, draw)
        fake_condition = self.generated_condition(condition, draw + 1)
        fake = self.generator({"latent": latent, "condition": fake_condition}, training=False)
        flips = self.draws.uniform((self.FLIPS, self.rows, 1), draw + 2, batch_axis=1)
        with dropout_numbers(self.dropout_source(draw + 3)):
            real_logs = self.minimise(lambda: self._critic_terms(real, condition, True, flips), "critic")
        with dropout_numbers(self.dropout_source(draw + 3 + DROPOUT_DRAWS)):
            fake_logs = self.minimise(lambda: self._critic_terms(fake, fake_condition, False, flips), "critic")
        right = (real_logs.pop("accuracy") + fake_logs.pop("accuracy")) / 2.0
        return {**real_logs, **fake_logs, "critic_accuracy": right}

    def dropout_source(self, first_draw: int) -> UniformSource:
        """Random numbers of the critic's dropout from this draw on."""
        return lambda shape, index: self.draws.uniform(shape, first_draw + index)
