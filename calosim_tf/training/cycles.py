"""Learning rates that go up and down, and by steps, as PyTorch counts them: CaloFlow's schedules."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import tensorflow as tf

from calosim_tf.config import FlowTraining

# PyTorch's default for the momentum of a one-cycle schedule: where the rate is low, and at its peak
BETA1_LOW_RATE, BETA1_PEAK = 0.95, 0.85


class FlowSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """One of the schedules that only flows have.

    Parameters
    ----------
    training : FlowTraining
    network : str
    """

    def __init__(self, training: FlowTraining, network: str):
        self.training = training
        self.network = network
        self.rate = training.setting("learning_rate", network)

    def __call__(self, step):
        """Learning rate of update ``step``, counted from 0."""
        return getattr(self, f"_{self.training.schedule_of(self.network)}")(tf.cast(step, tf.float32))

    def _steps(self, step):
        falls = tf.constant(self.training.schedule_steps(self.network), tf.float32)
        return self.rate * self.training.step_factor ** tf.reduce_sum(tf.cast(step >= falls, tf.float32))

    def _one_cycle(self, step):
        begin = self.training.cycle_begin * self.rate
        ends = (begin, self.rate, begin, self.training.cycle_end * begin)
        return one_cycle(step, self.training.schedule_length(self.network), self.training.cycle_rise, ends)

    def _triangular(self, step):
        cycles = step / self.training.schedule_length(self.network)
        climbed = 1.0 - tf.abs(2.0 * (cycles - tf.floor(cycles)) - 1.0)
        floor = self.training.schedule_floor * self.rate
        return floor + (self.rate - floor) * climbed / 2.0 ** tf.floor(cycles)

    def get_config(self):
        """Arguments of the schedule."""
        return {"training": self.training, "network": self.network}


def one_cycle(step: tf.Tensor, updates: int, rise: float, ends: tuple[float, float, float, float]) -> tf.Tensor:
    """A number that goes through four ends, by halves of cosines.

    Parameters
    ----------
    step : tensor
        Update, counted from 0; from ``updates`` - 1 on the last end stays.
    updates : int
    rise : float
        Share of the updates of the first, and of the second part.
    ends : tuple of float
    """
    turns = (0.0, rise * updates - 1.0, 2.0 * rise * updates - 2.0, updates - 1.0)
    value = tf.constant(ends[0], tf.float32)
    for begin, end, low, high in zip(turns[:-1], turns[1:], ends[:-1], ends[1:], strict=True):
        share = tf.clip_by_value((step - begin) / max(end - begin, 1.0), 0.0, 1.0)
        value = tf.where(step > begin, high + (low - high) / 2.0 * (1.0 + tf.cos(math.pi * share)), value)
    return value


def cycled_beta1(training: FlowTraining, network: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """Decay of the mean gradient beside a one-cycle schedule, a function of the update."""
    ends = (BETA1_LOW_RATE, BETA1_PEAK, BETA1_LOW_RATE, BETA1_LOW_RATE)
    length, rise = training.schedule_length(network), training.cycle_rise
    return lambda step: one_cycle(tf.cast(step, tf.float32), length, rise, ends)


class CycledAdam(keras.optimizers.Adam):
    """Adam whose decay of the mean gradient is a function of the update.

    Parameters
    ----------
    beta_1 : callable
        From the number of updates before to the decay.
    **options
        As for Adam.
    """

    def __init__(self, beta_1: Callable[[tf.Tensor], tf.Tensor], **options):
        super().__init__(beta_1=BETA1_LOW_RATE, **options)
        self._cycle = beta_1

    def update_step(self, gradient, variable, *rate):
        """As Adam's, with the decay of this update."""
        fixed = self.beta_1
        self.beta_1 = tf.cast(self._cycle(self.iterations), variable.dtype)
        try:
            super().update_step(gradient, variable, *rate)
        finally:
            self.beta_1 = fixed
