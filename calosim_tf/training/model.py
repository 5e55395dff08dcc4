"""A model that trains by ``fit``: named networks, an optimiser for each, and one traced step under every loss.

A subclass says in :meth:`GenerativeModel.updates` what one iteration does; random numbers, stages, the averaging of
weights, the checks and the logging are the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.config import LatentLaw, Stage, TrainingConfig
from calosim_tf.keras_compat import (
    apply_gradients,
    make_slots,
    optimizer_variables,
    raws,
    step_outputs,
    trains_by_itself,
)
from calosim_tf.layers.replicas import ALONE, Replicas, step_of
from calosim_tf.training.guard import Guard
from calosim_tf.training.loss_scale import LossScale
from calosim_tf.training.random import Draws


class GenerativeModel(keras.Model):
    """Networks that are trained together by ``fit``.

    Parameters
    ----------
    networks : dict of keras.Model
        Always with a built ``generator`` of inputs ``latent`` and ``condition``; others are auxiliary models (a critic,
        an encoder).  A network that is a part of the generator (one of its layers) may stand here by its own name; it
        is then trained by that name alone.
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

    Attributes
    ----------
    stage : Stage
        The part of the run that the step belongs to, set by :meth:`begin`.
    optimizers : dict of keras.optimizers.Optimizer
        By the names of ``networks``, once the model is compiled.
    terms : tuple of str
        Names of the logged terms in their order, once a step of the stage is traced.

    Notes
    -----
    One step consumes ``stage.showers_per_iteration`` real showers, shared among the replicas: all means over a batch
    (losses, gradients, logs) are those over the global batch.
    """

    # What ``training.selection = likelihood`` has least of, for models with a density: a method of (showers, condition,
    # uniform random numbers of the shape of the showers, the same in every verdict); nats per voxel, shape (batch,)
    held_out_loss: Callable[..., tf.Tensor] | None = None

    def __init__(
        self,
        networks: Mapping[str, keras.Model],
        average: keras.Model | None,
        latent: LatentLaw,
        training: TrainingConfig,
        seed: int,
        conditions: np.ndarray | None = None,
        replicas: Replicas = ALONE,
    ):
        super().__init__(name="generative_model")
        self.networks = dict(networks)
        self.average = average
        self.latent = latent
        self.training_config = training
        self.stage: Stage = training.stages[0]
        self.seed = seed
        self.conditions = conditions
        # generator of another run, where the loss learns from one
        self.teacher: keras.Model | None = None
        self.replicas = replicas
        alike = tf.VariableAggregation.ONLY_FIRST_REPLICA
        self.iteration = tf.Variable(0, dtype=tf.int64, trainable=False, name="iteration", aggregation=alike)
        self.draws = Draws(seed, self.iteration, replicas)
        # whether this process, and whether any, has been asked to stop: known to all at the end of the same iteration
        self.stop_asked = tf.Variable(0.0, trainable=False, name="stop_asked", aggregation=alike)
        self.stop_agreed = tf.Variable(0.0, trainable=False, name="stop_agreed", aggregation=alike)
        self.guard = Guard()
        self.terms: tuple[str, ...] = ()
        # with float16 alone, by the names of the optimisers
        self.loss_scales: dict[str, LossScale] = {}

    @property
    def generator(self) -> keras.Model:
        """The network that makes showers from latents and conditions."""
        return self.networks["generator"]

    @property
    def rows(self) -> int:
        """Showers of a minibatch on this replica."""
        return self.stage.batch_size // self.replicas.number

    def compile(self, optimizers: Mapping[str, keras.optimizers.Optimizer], **options):
        """Attach an optimiser per network; their slots are made now, so that every checkpoint holds them."""
        super().compile(**options)
        trains_by_itself(self)
        # terms are means over the global batch already; by default Keras adds them up over the replicas
        self.distribute_reduction_method = "first"
        self.optimizers = dict(optimizers)
        for name, optimizer in self.optimizers.items():
            make_slots(optimizer, self.trained_variables(name))
        if self.training_config.precision == "mixed_float16":
            self.loss_scales = {name: LossScale(self.replicas) for name in self.optimizers}

    def begin(self, stage: Stage) -> None:
        """Switch to a stage of the run; the step is traced again for it."""
        if stage != self.stage:
            self.stage = stage
            self.make_train_function(force=True)

    def trained_variables(self, which: str) -> list[tf.Variable]:
        """What the optimiser of a network changes: its weights without those of parts that have an optimiser."""
        network = self.networks[which]
        others = {
            id(variable)
            for name, other in self.networks.items()
            if name != which and any(layer is other for layer in network.layers)
            for variable in other.variables
        }
        return [variable for variable in network.trainable_variables if id(variable) not in others]

    def prepare(self, source, normalisation) -> None:
        """Take from the training data what is neither a setting nor learnt; before weights of a checkpoint are loaded.

        Parameters
        ----------
        source : ShowerSource
        normalisation : Normalisation
        """

    def learn_from(self, teacher: keras.Model | None) -> None:
        """Take the generator of another run, or None; before weights of a checkpoint are loaded.

        Raises
        ------
        ConfigError
            Nothing can be learnt from it.
        """
        self.teacher = teacher

    def updates(self, showers, condition) -> dict[str, tf.Tensor]:
        """One iteration on ``(showers, condition)`` of ``stage``: the updates, and the terms to log by name."""
        raise TypeError(f"{type(self).__name__} defines no updates")

    def judged_generator(self) -> keras.Model:
        """The generator that is selected, generates and is exported: the average where there is one."""
        return self.generator if self.average is None else self.average

    def energy_generator(self) -> keras.Model | Callable[..., tf.Tensor]:
        """What has the total energies of the judged generator: itself, unless something cheaper does."""
        return self.judged_generator()

    def train_step(self, data):
        """One iteration on ``(showers, condition)``, this replica's rows of ``stage.showers_per_iteration``."""
        with step_of(self.replicas):
            return self._iterate(*data)

    def _iterate(self, showers, condition) -> dict[str, tf.Tensor]:
        # several processes pass batches of unknown length
        rows = self.stage.showers_per_iteration // self.replicas.number
        showers, condition = (tf.ensure_shape(tensor, (rows, *tensor.shape[1:])) for tensor in (showers, condition))
        self.guard.begin(self.networks.values())
        logs = self.updates(showers, condition)
        # Keras 3 hands them to the callbacks in alphabetical order
        self.terms = tuple(logs)
        if self.stage.trains_part_of(self.generator):
            self._update_average()
        self.iteration.assign_add(1)
        self.guard.end((showers, condition))
        return self._global_logs(logs)

    def minimise(self, losses: Callable[[], dict[str, tf.Tensor]], which: str, *also: str) -> dict[str, tf.Tensor]:
        """One step on the terms that ``losses`` returns.

        Parameters
        ----------
        losses : callable
            Gives terms by name; those called ``{which}_loss_*`` are summed and minimised, the others only logged.
        which, *also : str
            Networks that learn from the sum, each with its own optimiser.

        Returns
        -------
        dict
            The terms.
        """
        owned = {name: self.trained_variables(name) for name in (which, *also)}
        variables = [variable for own in owned.values() for variable in own]
        logs, gradients = self._gradients(losses, which, variables)
        return self._learn(which, logs, gradients, owned)

    def minimise_sum(
        self, losses: Callable[[int | tf.Tensor], dict[str, tf.Tensor]], number: int, which: str
    ) -> dict[str, tf.Tensor]:
        """One step of a network on the sum of the gradients of several minibatches, one of which is held at a time.

        Parameters
        ----------
        losses : callable
            As for :meth:`minimise`, from the number of a minibatch.
        number : int
            Of minibatches.
        which : str

        Returns
        -------
        dict
            The terms, each as the mean over the minibatches.
        """
        variables = self.trained_variables(which)
        logs, gradients = self._gradients(lambda: losses(0), which, variables)

        def step(index, terms, sums):
            more, added = self._gradients(lambda: losses(index), which, variables)
            return index + 1, _added(terms, list(more.values())), _added(sums, added)

        start = (tf.constant(1), list(logs.values()), gradients)
        _, terms, gradients = tf.while_loop(lambda index, *_: index < number, step, start, maximum_iterations=number)
        means = {name: term / number for name, term in zip(logs, terms, strict=True)}
        return self._learn(which, means, gradients, {which: variables})

    def _gradients(self, losses: Callable[[], dict[str, tf.Tensor]], which: str, variables: list) -> tuple[dict, list]:
        """Terms, and the gradients of the sum of those that are minimised, times the scale of the loss."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(raws(variables))
            logs = losses()
            loss = tf.add_n([term for name, term in logs.items() if name.startswith(f"{which}_loss_")])
            scaled = self.loss_scales[which].scaled(loss) if self.loss_scales else loss
        return logs, tape.gradient(scaled, raws(variables))

    def _learn(self, which: str, logs: dict, gradients: list, owned: dict[str, list[tf.Variable]]) -> dict:
        """Check and apply gradients of this replica's share."""
        gradients = self.replicas.mean_gradients(gradients)
        if self.loss_scales:
            self._apply_scaled(which, logs, gradients, owned)
        else:
            self.guard.check(logs, gradients, [variable for own in owned.values() for variable in own])
            self._apply(gradients, owned)
        return logs

    def _apply(self, gradients: list[tf.Tensor | None], owned: dict[str, list[tf.Variable]]) -> None:
        pending = iter(gradients)
        for name, own in owned.items():
            # reduced by the caller, once for every strategy; on one replica there is nothing to add up
            apply_gradients(self.optimizers[name], [next(pending) for _ in own], own)

    def _apply_scaled(self, which: str, logs, gradients: list[tf.Tensor | None], owned) -> None:
        """The same for gradients of a scaled loss; one that has overflowed is left out."""
        scale = self.loss_scales[which]
        variables = [variable for own in owned.values() for variable in own]
        state = raws(variables)
        for name in owned:
            state += optimizer_variables(self.optimizers[name])
        gradients, faulty = scale.unscaled(gradients)
        self.guard.check(logs, faulty, variables)
        with scale.undone_where_overflown(state):
            self._apply(gradients, owned)

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
        done = tf.cast(self.iteration - self.stage.first, tf.float32)
        decay = tf.minimum(self.training_config.generator_average, (1.0 + done) / (10.0 + done))
        for mean, current in zip(raws(self.average.variables), raws(self.generator.variables), strict=True):
            self.replicas.assign(mean, mean + (1.0 - decay) * (current - mean))

    def _global_logs(self, logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Terms as means over the global batch, so that all replicas log, and judge as non-finite, the same."""
        if self.replicas.number == 1:
            return logs
        (means,) = self.replicas.mean([tf.stack([*logs.values(), self.stop_asked])])
        self.stop_agreed.assign(means[-1])
        return step_outputs(dict(zip(logs, tf.unstack(means[:-1]), strict=True)))


def _added(one: list, other: list) -> list:
    return [first + second for first, second in zip(one, other, strict=True)]


def mean_over_updates(logs: list[dict[str, tf.Tensor]]) -> dict[str, tf.Tensor]:
    """Each term as its mean over the updates of one iteration."""
    return {name: tf.add_n([log[name] for log in logs]) / len(logs) for name in logs[0]}
