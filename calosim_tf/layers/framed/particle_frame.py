"""A frame that follows the particle: shifted by whole cells, mirrored and transposed.

Whole cells, mirror images and the transposition of square cells leave a shower as it is, so that nothing has to be
learnt twice; what is left of the particle is two slopes of one sign and the place inside a cell.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.geometry import VoxelDetector, get_detector
from calosim_tf.geometry.trajectories import MOMENTUM, trajectory_kind

# Slopes are given in this unit, the rest of a shift in half cells (our choice)
SLOPE_UNIT = 0.25
# Taken from the logit of a cell that lies outside of the detector
OUTSIDE = 30.0


@keras.saving.register_keras_serializable("calosim_tf")
class ParticleFrame(keras.layers.Layer):
    """Where the shower of a particle will be.

    Input: ln E and standardised attributes (batch, 1 + attributes).  Outputs: ``numbers`` (batch, 2 + 2 layers), the
    slopes along rows and columns in units of 0.25, both positive, and how far the predicted centre of each layer is
    from the middle of the frame, in half cells; ``placement`` (batch, 2 layers + 3) for :class:`IntoFrame` and
    :class:`OutOfFrame`: the shift of each layer in cells, signs of the axes, 1 where rows and columns change places.

    The centre of a layer is predicted as a x + s (b + c ln E) from point x and slope s, along either axis.

    Parameters
    ----------
    detector : str
        One whose attributes give slopes and a point.
    """

    def __init__(self, detector: str, **options):
        super().__init__(**options)
        self.detector = detector
        record = get_detector(detector)
        self.kind = trajectory_kind(record)
        self.n_layers = len(record.layers)
        self.n_attributes = len(record.attributes)
        self.rows_are_x = record.layers[0].row_axis == "x"
        self.cells = cell_sizes(record)
        self.transposes = is_square(record)

    def build(self, input_shape):
        """Weights that no optimiser changes: spread of the attributes, coefficients of the centres."""
        super().build(input_shape)

        def fixed(name: str, shape: tuple[int, ...], start: str):
            return self.add_weight(name=name, shape=shape, initializer=start, trainable=False)

        self.attribute_mean = fixed("attribute_mean", (self.n_attributes,), "zeros")
        self.attribute_std = fixed("attribute_std", (self.n_attributes,), "ones")
        self.centres = fixed("centres", (self.n_layers, 3), "zeros")

    def fill(self, mean, std, centres) -> None:
        """Take the spread of the attributes, and the coefficients a, b (mm), c (mm) of each layer."""
        self.set_weights([np.asarray(mean), np.asarray(std), np.asarray(centres)])

    def trajectory(self, particle) -> tuple[tf.Tensor, tf.Tensor]:
        """Slopes and point in mm, along rows and along columns, each (batch, 2)."""
        values = particle[:, 1:] * self.attribute_std + self.attribute_mean
        if self.kind == MOMENTUM:
            slopes, point = values[:, :2] / values[:, 2:3], 10.0 * values[:, 3:5]
        else:
            theta, phi, point = values[:, :1], values[:, 1:2], values[:, 2:4]
            slopes = tf.concat([-tf.sin(phi), tf.cos(theta) / tf.sin(theta)], axis=1) / tf.cos(phi)
        if self.rows_are_x:
            return slopes, point
        return _exchanged(slopes), _exchanged(point)

    def call(self, inputs):
        """Numbers and placement."""
        slopes, point = self.trajectory(inputs)
        factors = self.centres[:, 1] + inputs[:, :1] * self.centres[:, 2]  # (batch, layers)
        centres = [
            point * self.centres[layer, 0] + slopes * factors[:, layer : layer + 1] for layer in range(self.n_layers)
        ]
        cells = [centre / size for centre, size in zip(centres, self.cells, strict=True)]
        shifts = [tf.floor(cell + 0.5) for cell in cells]
        signs = 1.0 - 2.0 * tf.cast(slopes < 0.0, slopes.dtype)
        rests = [2.0 * (cell - shift) * signs for cell, shift in zip(cells, shifts, strict=True)]
        slopes = slopes * signs / SLOPE_UNIT
        exchanged = tf.zeros_like(slopes[:, :1])
        if self.transposes:
            exchanged = tf.cast(slopes[:, 1:] > slopes[:, :1], slopes.dtype)
            slopes, *rests = (pair + exchanged * (_exchanged(pair) - pair) for pair in (slopes, *rests))
        return tf.concat([slopes, *rests], axis=1), tf.concat([*shifts, signs, exchanged], axis=1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "detector": self.detector}


class _Framed(keras.layers.Layer):
    """What layers that move showers share: matrices that choose rows and columns.

    Parameters
    ----------
    detector : str
    """

    def __init__(self, detector: str, **options):
        super().__init__(**options)
        self.detector = detector
        record = get_detector(detector)
        self.shapes = tuple(layer.shape for layer in record.layers)
        self.sizes = tuple(layer.n_voxels for layer in record.layers)
        self.transposes = is_square(record)

    def choices(self, placement) -> list[tuple[tf.Tensor, tf.Tensor]]:
        """For each layer, 1 where a row (column) of the frame is a row (column) of the detector: (batch, n, n)."""
        signs, found = placement[:, -3:-1], []
        for index, shape in enumerate(self.shapes):
            pair = []
            for axis, n in enumerate(shape):
                numbers = np.arange(n, dtype=np.float32)
                middle = np.float32((n - 1) / 2)
                shift = placement[:, 2 * index + axis : 2 * index + axis + 1]
                wanted = signs[:, axis : axis + 1] * (numbers - middle) + middle + shift
                pair.append(tf.nn.relu(1.0 - tf.abs(wanted[:, :, tf.newaxis] - numbers)))
            found.append(tuple(pair))
        return found

    def exchange(self, images, placement) -> tf.Tensor:
        """Rows and columns of (batch, n, n) exchanged where the placement says so."""
        if not self.transposes:
            return images
        return tf.where(placement[:, -1:, tf.newaxis] > 0.5, tf.transpose(images, (0, 2, 1)), images)

    def images(self, showers) -> list[tf.Tensor]:
        """Layers as images."""
        parts = tf.split(showers, self.sizes, axis=1) if len(self.sizes) > 1 else [showers]
        return [tf.reshape(part, (-1, *shape)) for part, shape in zip(parts, self.shapes, strict=True)]

    def vector(self, images) -> tf.Tensor:
        """Images as showers."""
        flat = [tf.reshape(image, (-1, size)) for image, size in zip(images, self.sizes, strict=True)]
        return tf.concat(flat, axis=1) if len(flat) > 1 else flat[0]

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "detector": self.detector}


@keras.saving.register_keras_serializable("calosim_tf")
class IntoFrame(_Framed):
    """Showers of the detector and placement to showers of the frame, both (batch, voxels); 0 beyond the detector."""

    def call(self, inputs):
        """Showers of the frame."""
        showers, placement = inputs
        found = []
        for image, (rows, columns) in zip(self.images(showers), self.choices(placement), strict=True):
            moved = tf.matmul(tf.matmul(rows, image), columns, transpose_b=True)
            found.append(self.exchange(moved, placement))
        return self.vector(found)


@keras.saving.register_keras_serializable("calosim_tf")
class OutOfFrame(_Framed):
    """The way back; cells of the frame that lie outside of the detector are lost."""

    def call(self, inputs):
        """Showers of the detector."""
        showers, placement = inputs
        found = []
        for image, (rows, columns) in zip(self.images(showers), self.choices(placement), strict=True):
            moved = tf.matmul(tf.matmul(rows, self.exchange(image, placement), transpose_a=True), columns)
            found.append(moved)
        return self.vector(found)


@keras.saving.register_keras_serializable("calosim_tf")
class InsideOnly(_Framed):
    """Logits of the frame and placement to logits; those outside of the detector are as good as closed."""

    def call(self, inputs):
        """Logits, (batch, voxels)."""
        logits, placement = inputs
        inside = []
        for rows, columns in self.choices(placement):
            known = [tf.reduce_sum(choice, axis=2) for choice in (rows, columns)]
            inside.append(self.exchange(known[0][:, :, tf.newaxis] * known[1][:, tf.newaxis], placement))
        return logits - OUTSIDE * (1.0 - self.vector(inside))


def cell_sizes(detector: VoxelDetector) -> np.ndarray:
    """Rows and columns of the cells of each layer, shape (layers, 2), mm."""
    return np.array([(layer.row_mm, layer.column_mm) for layer in detector.layers], dtype=np.float32)


def is_square(detector: VoxelDetector) -> bool:
    """Whether rows and columns of all layers may change places."""
    return all(layer.n_rows == layer.n_columns and layer.row_mm == layer.column_mm for layer in detector.layers)


def _exchanged(pair) -> tf.Tensor:
    return tf.concat([pair[:, 1:], pair[:, :1]], axis=1)
