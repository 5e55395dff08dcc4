"""Parts of a flat vector inside a functional model, by built-in layers that every export knows."""

from __future__ import annotations

import keras


def part_of(x, first: int, shape: tuple[int, ...], name: str):
    """Components of ``x`` from ``first`` on, reshaped.

    Parameters
    ----------
    x : Keras tensor, shape (batch, n)
    first : int
    shape : tuple of int
        Without the batch axis.
    name : str
        Beginning of the layer names.
    """
    size, count = x.shape[-1], 1
    for length in shape:
        count *= length
    if count < size:
        x = keras.layers.Reshape((size, 1), name=f"{name}_column")(x)
        x = keras.layers.Cropping1D((first, size - first - count), name=f"{name}_cut")(x)
    return keras.layers.Reshape(shape, name=name)(x)
