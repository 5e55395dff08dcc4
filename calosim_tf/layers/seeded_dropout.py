"""Dropout whose random numbers come from outside, so that a resumed training draws the same ones."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar

import keras
import tensorflow as tf

# (shape, index of the layer) -> uniform numbers in [0, 1)
UniformSource = Callable[[tf.Tensor, int], tf.Tensor]

_source: ContextVar[UniformSource | None] = ContextVar("dropout_source", default=None)


@contextlib.contextmanager
def dropout_numbers(source: UniformSource) -> Iterator[None]:
    """Take the random numbers of every :class:`SeededDropout` called inside from ``source``."""
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)


class SeededDropout(keras.layers.Layer):
    """Set a share ``rate`` of the inputs to 0 in training and scale the others by 1 / (1 - rate).

    Parameters
    ----------
    rate : float
        In [0, 1).
    index : int
        Number of this layer in its network: layers of different numbers draw apart.

    Raises
    ------
    RuntimeError
        Called in training outside of :func:`dropout_numbers`: Keras' own dropout keeps a generator that no checkpoint
        holds, so there is no default to fall back to.
    """

    def __init__(self, rate: float, index: int = 0, **options):
        super().__init__(**options)
        self.rate = rate
        self.index = index

    def call(self, inputs, training=False):
        """Inputs, or in training those that are kept."""
        # a network under construction is called with Keras' placeholder for the flag
        if training is not True or self.rate == 0.0:
            return tf.identity(inputs)
        source = _source.get()
        if source is None:
            raise RuntimeError(f"{self.name}: dropout in training needs `dropout_numbers` around the call")
        kept = source(tf.shape(inputs), self.index) >= self.rate
        return tf.where(kept, inputs / (1.0 - self.rate), tf.zeros_like(inputs))

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return input_shape

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "rate": self.rate, "index": self.index}
