"""Gradual warm-up of a learning rate (Goyal et al. 2017, section 2.2)."""

from __future__ import annotations

import keras
import tensorflow as tf


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A rate, or another schedule, times a factor that rises linearly to 1.

    Parameters
    ----------
    rate : float or LearningRateSchedule
    start : float
        Factor at the start of the rise; the first update has the factor behind one step of it, so never 0.
    updates : int
        Updates of the optimiser until the factor is 1.
    """

    def __init__(self, rate: float | keras.optimizers.schedules.LearningRateSchedule, start: float, updates: int):
        self.rate = rate
        self.start = start
        self.updates = updates

    def __call__(self, step):
        """Learning rate of update ``step``, counted from 0."""
        rate = self.rate(step) if callable(self.rate) else self.rate
        climbed = tf.minimum(1.0, (tf.cast(step, tf.float32) + 1.0) / self.updates)
        return rate * (self.start + (1.0 - self.start) * climbed)

    def get_config(self):
        """Arguments of the schedule."""
        return {"rate": self.rate, "start": self.start, "updates": self.updates}
