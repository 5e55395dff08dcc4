"""Losses of one unbounded score: real and generated showers judged in one pass, with optional instance noise."""

from __future__ import annotations

import tensorflow as tf

from calosim_tf.training import random
from calosim_tf.training.gan import AdversarialModel

# Instance noise has the upper half of an iteration's draw numbers to itself, so that switching it on changes no other
# random number
FIRST_NOISE_DRAW = random.DRAWS_PER_ITERATION // 2
GENERATOR_NOISE_DRAW = random.DRAWS_PER_ITERATION - 1


class ScoreGanModel(AdversarialModel):
    """What the Wasserstein and hinge losses share; ``training`` has a field ``instance_noise``."""

    def critic_scores(self, real, fake, condition) -> tuple[tf.Tensor, tf.Tensor]:
        """Scores of real and of generated showers in the critic's update, each of shape (batch, 1)."""
        # One pass over real and generated together: half the calls, and one kernel for both where the critic is
        # normalised spectrally
        scores = self.critic(
            {"showers": tf.concat([real, fake], 0), "condition": tf.concat([condition, condition], 0)}, training=True
        )
        return scores[: self.rows], scores[self.rows :]

    def generator_scores(self, fake, condition) -> tf.Tensor:
        """Scores of generated showers in the generator's update, shape (batch, 1).

        The critic is only read here: ``training=False`` leaves the vectors of its spectral normalisation (with
        tensorflow-addons, its kernels) unchanged.  PyTorch would move the vectors.  These critics have neither batch
        normalisation nor dropout, for which the flag would matter.
        """
        # The optimiser counts generator updates, in checkpoints too: new noise in each, the same after a resume
        fake = self._noisy(fake, self.optimizers["generator"].iterations, GENERATOR_NOISE_DRAW)
        return self.critic({"showers": fake, "condition": condition}, training=False)

    def with_instance_noise(self, real, fake, draw: int) -> tuple[tf.Tensor, tf.Tensor]:
        """Real and generated showers of a critic update with their own noise; ``draw`` as in ``critic_losses``."""
        # A critic update owns two draw numbers (CRITIC_DRAWS), and the same two of the upper half
        first = FIRST_NOISE_DRAW + draw
        return self._noisy(real, self.iteration, first), self._noisy(fake, self.iteration, first + 1)

    def _noisy(self, showers, count, draw: int) -> tf.Tensor:
        std = self.training_config.instance_noise
        if std == 0.0:
            return showers
        return showers + self.draws.normal(showers.shape, draw, 0.0, std, count)
