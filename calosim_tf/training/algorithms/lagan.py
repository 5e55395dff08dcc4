"""Training of LAGAN: cross-entropy of real against generated, and of the class of a jet."""

from __future__ import annotations

from typing import ClassVar

import tensorflow as tf

from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.losses import non_saturating
from calosim_tf.training.algorithms.apart import DROPOUT_DRAWS, ApartModel

CLASS_SHARE = 0.5  # authors' code: classes of generated jets are drawn in equal numbers


class LaganModel(ApartModel):
    """The loop of the authors' code.

    In a generator update the critic runs as in its own training, with batch statistics and dropout, as a frozen network
    did in the Keras of the paper; its moving statistics follow there too, as they did then.  They are never used in
    training.
    """

    # generation of real and of generated jets, class of generated ones
    FLIPS: ClassVar[int] = 3
    # latent, classes, flips, dropout
    GENERATOR_DRAWS: ClassVar[int] = 3 + DROPOUT_DRAWS

    def generated_condition(self, condition, draw: int) -> tf.Tensor:
        """Classes of one batch of generated jets, 0 and 1 in equal numbers on average, shape (batch, 1)."""
        unit = self.draws.uniform((self.rows, 1), draw)
        return tf.cast(unit < CLASS_SHARE, tf.float32)

    def _critic_terms(self, showers, condition, is_real: bool, flips: tf.Tensor) -> dict[str, tf.Tensor]:
        """As :meth:`ApartModel._critic_terms`."""
        config, kind = self.training_config, "real" if is_real else "fake"
        judged = self.critic({"showers": showers}, training=True)
        labels = non_saturating.flipped_labels(float(is_real), flips[0 if is_real else 1], config.label_flip)
        classes = condition if is_real else non_saturating.flipped_labels(condition, flips[2], config.class_flip)
        return {
            f"critic_loss_{kind}": non_saturating.cross_entropy(judged["score"], labels),
            f"critic_loss_class_{kind}": self._class_term(judged, classes),
            f"class_accuracy_{kind}": _class_accuracy(judged, condition),
            "accuracy": non_saturating.accuracy(judged["score"], is_real),
        }

    def generator_update(self, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the generator, with latents and classes of its own."""
        latent = self.draw_latent(self.rows, draw)
        classes = self.generated_condition(condition, draw + 1)
        unit = self.draws.uniform((self.rows, 1), draw + 2)
        targets = non_saturating.flipped_labels(classes, unit, self.training_config.generator_class_flip)

        def losses():
            judged = self.critic({"showers": self.generated(latent, classes)}, training=True)
            return {
                "generator_loss_adversarial": non_saturating.generator_term(judged["score"]),
                "generator_loss_class": self._class_term(judged, targets),
            }

        with dropout_numbers(self.dropout_source(draw + 3)):
            return self.minimise(losses, "generator")

    def _class_term(self, judged: dict[str, tf.Tensor], classes: tf.Tensor) -> tf.Tensor:
        return self.training_config.class_weight * non_saturating.cross_entropy(judged["signal"], classes)


def _class_accuracy(judged: dict[str, tf.Tensor], classes: tf.Tensor) -> tf.Tensor:
    """Share of jets whose class, before flips, the critic tells; a logit of 0 counts as class 0."""
    return tf.reduce_mean(tf.cast((judged["signal"] > 0.0) == (classes > 0.5), tf.float32))
