"""Probability density distillation of CaloFlow: a student that samples in one pass learns to undo its teacher."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.data.cell_transforms import MEV_PER_100_GEV
from calosim_tf.errors import ConfigError
from calosim_tf.layers.flows.masked_spline import MaskedSpline
from calosim_tf.layers.flows.passes import Passed, flow_steps, normal_log_density, to_features, to_latent
from calosim_tf.layers.flows.permutation import FixedPermutation
from calosim_tf.models.caloflow import CONTEXT, ENERGY_FLOW, VOXEL_FLOW
from calosim_tf.training.algorithms.caloflow import FlowModel
from calosim_tf.training.flow_density import has_density, noisy_voxels, voxel_logits

# Draws beside the noise
ENERGY, ENERGY_LATENT, VOXEL_LATENT = 1, 2, 3
# Uses of dropout
ON_DATA, ON_LATENT = 0, 1


class CaloFlowStudent(FlowModel):
    """On real showers: the teacher's latent numbers back to the shower.  On latent numbers: the teacher undoes them."""

    def learn_from(self, teacher: keras.Model | None) -> None:
        """As :meth:`GenerativeModel.learn_from`; the flow of the layer energies is the teacher's."""
        super().learn_from(teacher)
        _require_alike(teacher, self.generator)
        self.generator.get_layer(ENERGY_FLOW).set_weights(teacher.get_layer(ENERGY_FLOW).get_weights())

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One update on the gradients of the minibatches of an iteration, added up."""
        number = self.stage.showers_per_iteration // self.stage.batch_size
        most = max(self.training_config.summed_batches)
        if number == 1:
            return self.minimise(lambda: self._terms(showers, condition, self.iteration * most), "generator")
        minibatches = tf.reshape(showers, (number, self.rows, showers.shape[1]))
        conditions = tf.reshape(condition, (number, self.rows, condition.shape[1]))

        def terms(index):
            count = self.iteration * most + tf.cast(index, tf.int64)
            return self._terms(minibatches[index], conditions[index], count)

        return self.minimise_sum(terms, number, "generator")

    def held_out_loss(self, showers, condition, uniform) -> tf.Tensor:
        """ln q - ln p of drawn showers under student and teacher, nats per voxel, shape (batch,): their mean is KL."""
        # normal quantiles of the same random numbers in every verdict
        latent = np.sqrt(2.0) * tf.math.erfinv(2.0 * tf.clip_by_value(uniform, 1e-6, 1.0 - 1e-6) - 1.0)
        _, energies = noisy_voxels(
            self.generator, showers, uniform, self.training_config.voxel_noise_mev / MEV_PER_100_GEV
        )
        own, taught = self._from_latent(latent, energies, condition, training=False)
        return tf.cast(_divergence(own, taught) / showers.shape[1], tf.float32)

    def _terms(self, showers, condition, count) -> dict[str, tf.Tensor]:
        config = self.training_config
        voxels, energies = self.noisy(showers, config.voxel_noise_mev, count)
        with self.dropout(ON_DATA, count):
            on_data = self._on_data(voxels, energies, condition)
        with self.dropout(ON_LATENT, count):
            on_latent, divergence = self._on_latent(count)
        return {
            "generator_loss_data": tf.cast((1.0 - config.latent_weight) * on_data, tf.float32),
            "generator_loss_latent": tf.cast(config.latent_weight * on_latent, tf.float32),
            "divergence": tf.cast(divergence, tf.float32),
        }

    def _on_data(self, voxels, energies, condition) -> tf.Tensor:
        features, context = voxel_logits(self.generator, voxels, energies, condition)
        taught = to_latent(self.teacher.get_layer(VOXEL_FLOW), features, context)
        own = to_features(self.generator.get_layer(VOXEL_FLOW), taught.value, context, training=True)
        return _square(own.value, features, self.rows) + self._guidance(own, taught)

    def _on_latent(self, count) -> tuple[tf.Tensor, tf.Tensor]:
        condition = self._drawn_conditions(count)
        energy_flow = self.teacher.get_layer(ENERGY_FLOW)
        layers, voxels = (self.generator.get_layer(name).input["latent"].shape[1] for name in (ENERGY_FLOW, VOXEL_FLOW))
        drawn = self.draws.normal((self.rows, layers), ENERGY_LATENT, 0.0, 1.0, count)
        energies = energy_flow({"latent": drawn, "condition": condition}, training=False)
        latent = self.draws.normal((self.rows, voxels), VOXEL_LATENT, 0.0, 1.0, count)
        own, taught = self._from_latent(latent, energies, condition, training=True)
        divergence = tf.stop_gradient(tf.reduce_mean(_divergence(own, taught)))
        return _square(taught.value, own.states[0], self.rows) + self._guidance(own, taught), divergence

    def _from_latent(self, latent, energies, condition, training: bool) -> tuple[Passed, Passed]:
        flow = self.generator.get_layer(VOXEL_FLOW)
        context = flow.get_layer(CONTEXT)([condition, energies])
        own = to_features(flow, tf.cast(latent, context.dtype), context, training)
        return own, to_latent(self.teacher.get_layer(VOXEL_FLOW), own.value, context)

    def _guidance(self, own: Passed, taught: Passed) -> tf.Tensor:
        """Squares of the differences of all states and all spline parameters of the two passes."""
        if not self.training_config.guided:
            return tf.zeros((), own.value.dtype)
        pairs = [
            *zip(own.states, reversed(taught.states), strict=True),
            *zip(own.parameters, reversed(taught.parameters), strict=True),
        ]
        return tf.add_n([_square(one, other, self.rows) for one, other in pairs])

    def _drawn_conditions(self, count) -> tf.Tensor:
        uniform = self.draws.uniform((self.rows, 1), ENERGY, count=count)
        if self.training_config.distilled_energies == "uniform":
            low, high = float(self.conditions.min()), float(self.conditions.max())
            return low + (high - low) * uniform
        rows = tf.cast(uniform[:, 0] * len(self.conditions), tf.int32)
        return tf.gather(tf.constant(self.conditions), tf.minimum(rows, len(self.conditions) - 1))


def _square(one, other, batch: int) -> tf.Tensor:
    """Squared distance, the mean over the batch."""
    return tf.reduce_sum((one - other) ** 2) / tf.cast(batch, one.dtype)


def _divergence(own: Passed, taught: Passed) -> tf.Tensor:
    """ln q - ln p of what the student drew, shape (batch,)."""
    drawn = normal_log_density(own.states[0]) - own.log_det
    return drawn - normal_log_density(taught.value) - taught.log_det


def _require_alike(teacher: keras.Model, student: keras.Model) -> None:
    """:class:`ConfigError` unless the flows of both have blocks of the two directions, and the same permutations."""
    problem = "a network without flows"
    if has_density(teacher):
        problem = _difference(*(flow_steps(network.get_layer(VOXEL_FLOW)) for network in (teacher, student)))
    if problem:
        raise ConfigError(
            f"training.teacher: found {problem}, expected a CaloFlow teacher with the blocks and permutations of "
            "the student's network"
        )


def _difference(taught: list, own: list) -> str:
    directions = [{step.fast for step in steps if isinstance(step, MaskedSpline)} for steps in (taught, own)]
    if directions != [{"density"}, {"sampling"}]:
        return "a student, or a teacher in the place of the student"
    orders = [[step.order for step in steps if isinstance(step, FixedPermutation)] for steps in (taught, own)]
    if orders[0] != orders[1]:
        return "other permutations or blocks (network.permutation_seed, network.voxel_blocks)"
    return ""
