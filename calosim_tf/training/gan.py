"""The one training step: critic updates, then generator updates, inside one traced graph.

A loss overrides :meth:`AdversarialModel.critic_losses` and :meth:`AdversarialModel.generator_losses`, or, where real
and generated showers are not judged together, :meth:`AdversarialModel.critic_update`; the loop, the random numbers, the
averaging of weights and the logging are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw, TrainingConfig
from calosim_tf.layers.replicas import ALONE, Replicas, step_of
from calosim_tf.training.guard import Guard
from calosim_tf.training.random import Draws


class AdversarialModel(keras.Model):
    """Generator and critic trained against each other by ``fit``.

    Parameters
    ----------
    generator, critic : keras.Model
        Built networks with inputs ``latent``/``condition`` and ``showers``/``condition``.
    average : keras.Model or None
        A generator of the same layout that carries the moving average of the weights.
    latent : LatentLaw
    training : TrainingConfig
    seed : int
        Seed of latents and mixing; together with the iteration it fixes every random number.
    conditions : ndarray, shape (n, condition_size), or None
        Conditions of the training showers, for losses that draw those of generated showers from them.
    replicas : Replicas, optional
        Those that share the global batch ``training.batch_size``; alone unless given.

    Notes
    -----
    One step consumes ``training.showers_per_iteration`` real showers, shared among the replicas: all means over a
    batch (losses, gradients, logs) are those over the global batch.  The generator update uses the conditions of the
    last ``generator_steps`` minibatches, as the code of the CaloShowerGAN authors does (with one generator step, those
    of the last minibatch).
    """

    # Random draws of one update; the numbers after the latent are the loss's own
    CRITIC_DRAWS: ClassVar[int] = 2
    GENERATOR_DRAWS: ClassVar[int] = 1

    def __init__(
        self,
        generator,
        critic,
        average,
        latent: LatentLaw,
        training: TrainingConfig,
        seed: int,
        conditions: np.ndarray | None = None,
        replicas: Replicas = ALONE,
    ):
        super().__init__(name="adversarial_model")
        self.generator = generator
        self.critic = critic
        self.average = average
        self.latent = latent
        self.training_config = training
        self.seed = seed
        self.conditions = conditions
        self.replicas = replicas
        # rows of a minibatch on this replica
        self.rows = training.batch_size // replicas.number
        alike = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.iteration = tf.Variable(0, dtype=tf.int64, trainable=False, name="iteration", aggregation=alike)
        self.draws = Draws(seed, self.iteration, replicas)
        # whether this process, and whether any, has been asked to stop: known to all at the end of the same iteration
        self.stop_asked = tf.Variable(0.0, trainable=False, name="stop_asked", aggregation=alike)
        self.stop_agreed = tf.Variable(0.0, trainable=False, name="stop_agreed", aggregation=alike)
        self.guard = Guard()

    def compile(self, optimizer_generator, optimizer_critic, **options):
        """Attach the two optimisers; their slots are made now, so that every checkpoint holds them."""
        super().compile(**options)
        # terms are means over the global batch already; by default Keras adds them up over the replicas
        self.distribute_reduction_method = "first"
        self.optimizer_generator = optimizer_generator
        self.optimizer_critic = optimizer_critic
        _make_slots(optimizer_generator, self.generator.trainable_variables)
        _make_slots(optimizer_critic, self.critic.trainable_variables)

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

    def judged_generator(self) -> keras.Model:
        """The generator that is selected, generates and is exported: the average where there is one."""
        return self.generator if self.average is None else self.average

    def train_step(self, data):
        """One iteration on ``(showers, condition)``, this replica's rows of ``training.showers_per_iteration``."""
        with step_of(self.replicas):
            return self._iterate(*data)

    def _iterate(self, showers, condition) -> dict[str, tf.Tensor]:
        config = self.training_config
        # several processes hand over batches of unknown length
        rows = config.showers_per_iteration // self.replicas.number
        showers, condition = (tf.ensure_shape(tensor, (rows, *tensor.shape[1:])) for tensor in (showers, condition))
        self.guard.begin((self.generator, self.critic))
        critic_logs = []
        for step in range(config.critic_steps):
            rows = self._minibatch(step)
            critic_logs.append(self.critic_update(showers[rows], condition[rows], draw=self.CRITIC_DRAWS * step))
        generator_logs = []
        first_draw = self.CRITIC_DRAWS * config.critic_steps
        for step in range(config.generator_steps):
            # counted from the end; more generator than critic steps go round again
            rows = self._minibatch(config.critic_steps - 1 - (config.generator_steps - 1 - step) % config.critic_steps)
            draw = first_draw + self.GENERATOR_DRAWS * step
            generator_logs.append(self.generator_update(condition[rows], draw))
        self._update_average()
        self.iteration.assign_add(1)
        self.guard.end((showers, condition))
        return self._global_logs({**_mean_over_updates(critic_logs), **_mean_over_updates(generator_logs)})

    def critic_update(self, real, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the critic on a minibatch; draws ``draw`` (latent) and after are its own."""
        latent = self.draw_latent(self.rows, draw)
        fake = self.generator({"latent": latent, "condition": condition}, training=True)
        return self.minimise_critic(lambda: self.critic_losses(real, fake, condition, draw + 1))

    def generator_update(self, condition, draw: int) -> dict[str, tf.Tensor]:
        """One update of the generator; draws ``draw`` (latent) and after are its own."""
        latent = self.draw_latent(self.rows, draw)
        condition = self.generated_condition(condition, draw + 1)

        def losses():
            fake = self.generator({"latent": latent, "condition": condition}, training=True)
            return self.generator_losses(fake, condition)

        return self.minimise_generator(losses)

    def minimise_critic(self, losses: Callable[[], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """One step of the critic's optimiser on the terms that ``losses`` returns; gives them back."""
        return self._minimise(losses, "critic_loss_", self.optimizer_critic, self.critic.trainable_variables)

    def minimise_generator(self, losses: Callable[[], dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
        """One step of the generator's optimiser on the terms that ``losses`` returns; gives them back."""
        return self._minimise(losses, "generator_loss_", self.optimizer_generator, self.generator.trainable_variables)

    def _minimise(
        self, losses: Callable[[], dict[str, tf.Tensor]], prefix: str, optimizer, variables
    ) -> dict[str, tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(variables)
            logs = losses()
            loss = _sum_terms(logs, prefix)
        gradients = self.replicas.mean_gradients(tape.gradient(loss, variables))
        self.guard.check(logs, gradients, variables)
        # reduced above, once for every strategy; on one replica there is nothing to add up
        optimizer.apply_gradients(zip(gradients, variables, strict=True), experimental_aggregate_gradients=False)
        return logs

    def _minibatch(self, step: int) -> slice:
        first = 0 if self.training_config.reuse_minibatch else step * self.rows
        return slice(first, first + self.rows)

    def draw_latent(self, rows: int, draw: int) -> tf.Tensor:
        """Latents of one update, shape (rows, latent.size)."""
        shape = (rows, self.latent.size)
        if self.latent.law == "uniform":
            unit = self.draws.uniform(shape, draw)
            return unit * (self.latent.high - self.latent.low) + self.latent.low
        return self.draws.normal(shape, draw, self.latent.mean, self.latent.std)

    def _update_average(self):
        if self.average is None:
            return
        # The plain decay would leave the start weights visible for 1/(1-decay) iterations; this ramp forgets them at
        # once
        done = tf.cast(self.iteration, tf.float32)
        decay = tf.minimum(self.training_config.generator_average, (1.0 + done) / (10.0 + done))
        for mean, current in zip(self.average.variables, self.generator.variables, strict=True):
            self.replicas.assign(mean, mean + (1.0 - decay) * (current - mean))

    def _global_logs(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Terms as means over the global batch, so that all replicas log, and judge as non-finite, the same."""
        if self.replicas.number == 1:
            return logs
        (means,) = self.replicas.mean([tf.stack([*logs.values(), self.stop_asked])])
        self.stop_agreed.assign(means[-1])
        return dict(zip(logs, tf.unstack(means[:-1]), strict=True))


def _make_slots(optimizer, variables) -> None:
    if hasattr(optimizer, "build"):
        optimizer.build(variables)
    else:  # the legacy interface, which tensorflow-addons still has
        optimizer._create_all_weights(variables)


def _sum_terms(logs: dict[str, tf.Tensor], prefix: str) -> tf.Tensor:
    return tf.add_n([term for name, term in logs.items() if name.startswith(prefix)])


def _mean_over_updates(logs: list[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    return {name: tf.add_n([log[name] for log in logs]) / len(logs) for name in logs[0]}
