"""Training of CaloGAN and Conditional CaloGAN: cross-entropy, energy and attribute terms."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import ClassVar

import keras
import tensorflow as tf

from calosim_tf.config.calogan_network import ATTRIBUTES
from calosim_tf.layers.replicas import ALONE
from calosim_tf.layers.seeded_dropout import dropout_numbers
from calosim_tf.losses import attribute_error, non_saturating
from calosim_tf.training.algorithms.apart import DROPOUT_DRAWS, ApartModel


class CaloGanModel(ApartModel):
    """The loop of the authors' release code.

    The two generator updates that follow a critic update have conditions of their own too.

    In a generator update the critic runs as in its own training, with batch statistics and dropout, as a frozen network
    did in the Keras of the paper.  Its moving statistics are left unchanged, as they were then.

    Notes
    -----
    Conditions of generated showers: the energy uniform in the range of ``training``, each attribute by itself drawn
    with replacement from the training sample (``conditions``), so that correlations between them are not kept.
    """

    # latent, conditions, dropout
    GENERATOR_DRAWS: ClassVar[int] = 2 + DROPOUT_DRAWS

    def __init__(self, networks, average, latent, training, seed, conditions=None, replicas=ALONE):
        super().__init__(networks, average, latent, training, seed, conditions, replicas)
        if conditions is None:
            raise TypeError("CaloGanModel draws conditions from those of the training sample: found none")
        energy_gev, low, high = (
            conditions[:, 0], training.generated_energy_min_gev, training.generated_energy_max_gev
        )  # fmt: skip
        self.energy_range_gev = (
            float(energy_gev.min()) if low is None else low,
            float(energy_gev.max()) if high is None else high,
        )
        self.attribute_table = tf.constant(conditions[:, 1:].T, tf.float32)  # (attributes, n)

    def generated_condition(self, condition, draw: int) -> tf.Tensor:
        """Conditions of one batch of generated showers, shape (batch, condition_size)."""
        unit = self.draws.uniform((condition.shape[1], self.rows), draw, batch_axis=1)
        low, high = self.energy_range_gev
        energy = low + (high - low) * unit[:1]
        n = self.attribute_table.shape[1]
        # the product can be rounded up to n
        chosen = tf.minimum(tf.cast(unit[1:] * n, tf.int32), n - 1)
        attributes = tf.gather(self.attribute_table, chosen, batch_dims=1)
        return tf.transpose(tf.concat([energy, attributes], axis=0))

    def generator_update(self, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the generator."""
        with dropout_numbers(self.dropout_source(draw + 2)):
            return super().generator_update(condition, draw)

    def generator_losses(self, fake, condition) -> dict[str, tf.Tensor]:
        """Adversarial, energy and attribute term, each with its weight."""
        with _statistics_kept(self.critic):
            judged = self.critic({"showers": fake, "condition": condition}, training=True)
        terms = {
            "generator_loss_adversarial": non_saturating.generator_term(judged["score"]),
            "generator_loss_energy": self.training_config.energy_weight * _energy_mae_gev(judged, condition),
        }
        if "attributes" in judged:
            errors = attribute_error.mean_absolute_errors(judged["attributes"], condition[:, 1:])
            terms["generator_loss_attributes"] = attribute_error.weighted_mean(
                errors, self.training_config.attribute_weights
            )
        return terms

    def _critic_terms(self, showers, condition, is_real: bool, flips) -> dict[str, tf.Tensor]:
        """As :meth:`ApartModel._critic_terms`; real and generated showers have their own flips."""
        config, kind = self.training_config, "real" if is_real else "fake"
        judged = self.critic({"showers": showers, "condition": condition}, training=True)
        labels = non_saturating.flipped_labels(float(is_real), flips[0 if is_real else 1], config.label_flip)
        logs = {
            f"critic_loss_{kind}": non_saturating.cross_entropy(judged["score"], labels),
            f"energy_mae_{kind}_gev": _energy_mae_gev(judged, condition),
            "accuracy": non_saturating.accuracy(judged["score"], is_real),
        }
        if "attributes" not in judged:
            return logs
        errors = attribute_error.mean_absolute_errors(judged["attributes"], condition[:, 1:])
        # 0 instead of no term: every weight has a gradient in every step
        used = is_real or config.attribute_loss_on == "real_and_fake"
        weights = config.attribute_weights if used else (0.0,)
        logs[f"critic_loss_attributes_{kind}"] = attribute_error.weighted_mean(errors, weights)
        for name, error in zip(ATTRIBUTES, tf.unstack(errors), strict=True):
            quantity, unit_name = name.split("_")
            logs[f"{quantity}_mae_{kind}_{unit_name}"] = error
        return logs


def _energy_mae_gev(judged: dict[str, tf.Tensor], condition: tf.Tensor) -> tf.Tensor:
    return tf.reduce_mean(tf.abs(judged["energy"] - condition[:, :1]))


@contextlib.contextmanager
def _statistics_kept(network: keras.Model) -> Iterator[None]:
    """Undo what a call in training mode does to moving statistics."""
    before = [tf.identity(variable) for variable in network.non_trainable_variables]
    yield
    for variable, value in zip(network.non_trainable_variables, before, strict=True):
        variable.assign(value)
