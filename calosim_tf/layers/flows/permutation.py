"""A fixed order of features between two blocks of a flow."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf


@keras.saving.register_keras_serializable("calosim_tf")
class FixedPermutation(keras.layers.Layer):
    """Features in another order; called, the layer undoes it, which is the direction of sampling.

    Parameters
    ----------
    order : sequence of int
        Feature ``order[i]`` becomes feature i on the way to the latent numbers.
    """

    def __init__(self, order: Sequence[int], **options):
        super().__init__(**options)
        self.order = tuple(int(place) for place in order)

    def call(self, inputs):
        """Features in the order before, shape (batch, features)."""
        return tf.gather(inputs, np.argsort(self.order), axis=1)

    def density(self, features):
        """Features in the new order."""
        return tf.gather(features, np.array(self.order), axis=1)

    def compute_output_shape(self, input_shape):
        """The shape of the input."""
        return tuple(input_shape)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "order": self.order}


def reversal(layer_sizes: Sequence[int]) -> np.ndarray:
    """Each layer of voxels from its end to its beginning."""
    ends = np.cumsum(layer_sizes)
    return np.concatenate([np.arange(end - 1, end - size - 1, -1) for end, size in zip(ends, layer_sizes, strict=True)])


def shuffle(layer_sizes: Sequence[int], seed: int, draw: int) -> np.ndarray:
    """A random order inside each layer: the same for the same seed and draw, with every version of numpy."""
    words = np.random.Philox(key=seed, counter=[0, 0, 0, draw]).random_raw(int(np.sum(layer_sizes)))
    starts = np.cumsum((0, *layer_sizes[:-1]))
    parts = zip(starts, layer_sizes, strict=True)
    return np.concatenate([start + np.argsort(words[start : start + size], kind="stable") for start, size in parts])
