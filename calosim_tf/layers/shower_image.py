"""What 3DGAN computes of a shower image without weights: total energy, angle, power of the cells."""

from __future__ import annotations

import math

import keras
import tensorflow as tf

# Smallest cell, GeV, that the power acts on: far below a float32 sum of any shower, and it keeps the slope of
# x**0.85 finite at 0.
SMALLEST_CELL_GEV = 1e-20
# Answer for an image without energy (authors' code): no angle of incidence comes near it.
EMPTY_ANGLE = 100.0
# Guard of the root: its slope is infinite at 0 (authors' code: Keras' epsilon).
ROOT_GUARD = 1e-7


class CellSum(keras.layers.Layer):
    """Total energy of an image, shape (batch, 1), in the unit of the cells."""

    def call(self, inputs):
        """Sum over all axes but the first."""
        return tf.reduce_sum(inputs, axis=list(range(1, len(inputs.shape))))[:, tf.newaxis]


class CellPower(keras.layers.Layer):
    """Cell energies to network units, (scale * x)**power, or back.

    Parameters
    ----------
    scale, power : float
    inverse : bool
        x**(1/power) / scale instead.
    """

    def __init__(self, scale: float, power: float, inverse: bool = False, **options):
        super().__init__(**options)
        self.scale = scale
        self.power = power
        self.inverse = inverse

    def call(self, inputs):
        """Cells of the same shape."""
        if self.inverse:
            # cells come from a ReLU; 1/power > 1, so the slope at 0 is finite
            return (inputs if self.power == 1.0 else inputs ** (1.0 / self.power)) / self.scale
        if self.power == 1.0:
            return self.scale * inputs
        cells = (self.scale * tf.maximum(inputs, SMALLEST_CELL_GEV)) ** self.power
        return tf.where(inputs > SMALLEST_CELL_GEV, cells, tf.zeros_like(cells))

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "scale": self.scale, "power": self.power, "inverse": self.inverse}


class MeasuredAngle(keras.layers.Layer):
    """Polar angle of the shower axis in rad, shape (batch, 1) (EPJC 82, 386; authors' code).

    The axis of each layer is the line from the image's barycentre to that of the layer; angles are averaged over the
    layers with energy, weighted by their depth.  Cells count from 0.5.
    """

    def call(self, inputs):
        """Angle of images of shape (batch, x, y, z), axes in cells."""
        x, y, z = (tf.range(size, dtype=inputs.dtype) + 0.5 for size in inputs.shape[1:])
        per_layer = tf.reduce_sum(inputs, axis=[1, 2])  # (batch, z)
        total = tf.reduce_sum(per_layer, axis=1, keepdims=True)
        moment_x = tf.einsum("bxyz,x->bz", inputs, x)
        moment_y = tf.einsum("bxyz,y->bz", inputs, y)
        x_mean = tf.math.divide_no_nan(tf.reduce_sum(moment_x, axis=1, keepdims=True), total)
        y_mean = tf.math.divide_no_nan(tf.reduce_sum(moment_y, axis=1, keepdims=True), total)
        z_mean = tf.math.divide_no_nan(tf.reduce_sum(per_layer * z, axis=1, keepdims=True), total)
        x_layer = tf.math.divide_no_nan(moment_x, per_layer)
        y_layer = tf.math.divide_no_nan(moment_y, per_layer)
        run = tf.sqrt(tf.maximum((x_layer - x_mean) ** 2 + (z - z_mean) ** 2, ROOT_GUARD))
        slope = tf.where(z < z_mean, -1.0, 1.0) * (y_layer - y_mean) / run
        weight = z * tf.cast(per_layer > 0.0, inputs.dtype)
        angle = tf.reduce_sum((math.pi / 2 - tf.atan(slope)) * weight, axis=1, keepdims=True)
        angle = tf.math.divide_no_nan(angle, tf.reduce_sum(weight, axis=1, keepdims=True))
        return tf.where(total > 0.0, angle, tf.fill(tf.shape(angle), tf.constant(EMPTY_ANGLE, inputs.dtype)))
