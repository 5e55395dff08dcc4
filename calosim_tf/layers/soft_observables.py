"""Observables of showers with gradients: the definitions of the metrics with a soft threshold.

Only the geometry decides what they are: any detector of rings or of cells has them.
"""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.layers import CellLayer

# Our choices.  A voxel counts as hit over about 12 % of the threshold of the detector, not at a point
SOFTNESS = 0.12
# Voxels are counted above these multiples of the threshold, each softly over a quarter of e
COUNT_THRESHOLDS = (0.4, 2.0, 6.0, 30.0, 200.0)
COUNT_STEEPNESS = 4.0
# Below this share of the threshold, logarithms stop
FLOOR = 1e-3
# Added to a layer's energy before it divides, in thresholds; and to the square of a width, in units of its layer
DIVISOR, WIDTH_FLOOR = 0.3, 1e-3
# Distances from the middle, in cells, that divide a layer of cells into rings
CELL_RINGS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.25, 7.5, 9.0, 10.5, 12.5, 1e9)


class SoftObservables:
    """Observables of one detector.

    Parameters
    ----------
    detector : VoxelDetector
    threshold_mev : float, optional
        In place of the detector's threshold.

    Attributes
    ----------
    names : list of str
        Of the columns of :meth:`observables`.
    n_lines : int
        Columns of :meth:`line_logs`.
    """

    def __init__(self, detector: VoxelDetector, threshold_mev: float | None = None):
        self.detector = detector
        self.threshold = np.float32(threshold_mev or detector.threshold_mev)
        self.sizes = [layer.n_voxels for layer in detector.layers]
        self.layer_of = np.repeat(np.arange(len(self.sizes)), self.sizes)
        self.layers = members(self.layer_of, len(self.sizes))
        self.moments, self.coordinates = self._moments()
        self.rings, self.ring_names = self._rings()
        self.lines = self._lines()
        self.n_lines = self.lines.shape[1]
        self.names = self._names()

    def voxel_logs(self, showers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Logarithms of the voxels, a smooth form of ln(10 E / threshold) above the threshold and 0 below it.

        Parameters
        ----------
        showers : tensor, shape (batch, voxels), MeV

        Returns
        -------
        logs, hits, bare : tensor, shape (batch, voxels)
            ``hits`` is the soft flag of a voxel above the threshold, ``bare`` ln(E / threshold).
        """
        bare = tf.math.log(showers / self.threshold + FLOOR)
        hits = tf.sigmoid(bare / SOFTNESS)
        return hits * (bare + np.float32(np.log(10.0))), hits, bare

    def observables(self, showers, logs, hits, bare) -> tf.Tensor:
        """All observables in the order of ``names``, shape (batch, observables).

        Parameters
        ----------
        showers : tensor, shape (batch, voxels), MeV
        logs, hits, bare : tensor
            Of :meth:`voxel_logs`.
        """
        n = len(self.sizes)
        kept = showers * hits / self.threshold
        moments = tf.matmul(kept, self.moments)
        energies, first, second = tf.split(moments, [n, len(self.coordinates), len(self.coordinates)], axis=1)
        total = tf.reduce_sum(energies, axis=1, keepdims=True)
        divisor = tf.gather(energies, [layer for layer, _ in self.coordinates], axis=1) + DIVISOR
        centres = first / divisor
        widths = tf.sqrt(tf.nn.relu(second / divisor - centres**2) + WIDTH_FLOOR)
        sums = tf.concat([energies, total], axis=1)
        inverse = np.float32(1.0) / np.array(self.sizes, dtype=np.float32)
        counts = [
            tf.matmul(tf.sigmoid((bare - np.float32(np.log(above))) * COUNT_STEEPNESS), self.layers) * inverse
            for above in COUNT_THRESHOLDS
        ]
        occupancy = tf.matmul(hits, self.layers) * inverse
        squares = tf.matmul(logs * logs, self.rings)
        products = [tf.matmul(product, self.rings) for product in self._neighbour_products(logs)]
        flags = sums / (sums + DIVISOR)
        parts = [tf.math.log1p(sums), centres, widths, occupancy, flags, *counts, squares, *products]
        return tf.concat(parts, axis=1)

    def line_logs(self, showers) -> tf.Tensor:
        """ln(1 + sum / threshold) of rings and sectors, or of rows and columns, shape (batch, n_lines)."""
        return tf.math.log1p(tf.matmul(showers, self.lines) / self.threshold)

    def _moments(self) -> tuple[np.ndarray, list[tuple[int, str]]]:
        """Matrix whose product with a shower is layer sums, first and second moments; and (layer, axis) of these."""
        firsts, seconds, coordinates = [], [], []
        for index, (layer, offset) in enumerate(zip(self.detector.layers, self.detector.offsets, strict=False)):
            unit = max(float(np.abs(values).max()) for values in layer.coordinates_mm.values()) / 4.0
            for axis, values in layer.coordinates_mm.items():
                column = np.zeros(len(self.layer_of), dtype=np.float32)
                column[offset : offset + layer.n_voxels] = values / unit
                firsts.append(column)
                seconds.append(column**2)
                coordinates.append((index, axis))
        return np.concatenate([self.layers, np.stack(firsts + seconds, axis=1)], axis=1), coordinates

    def _rings(self) -> tuple[np.ndarray, list[str]]:
        """Voxels at about one distance from the middle: columns that average over each such set with several voxels."""
        numbers, names = np.full(len(self.layer_of), -1), []
        for layer, offset in zip(self.detector.layers, self.detector.offsets, strict=False):
            own = ring_numbers(layer)
            for number in np.unique(own):
                chosen = offset + np.flatnonzero(own == number)
                if len(chosen) > 1:
                    numbers[chosen] = len(names)
                    names.append(f"layer {layer.layer_id} ring {number}")
        rings = members(numbers, len(names))
        return rings / rings.sum(axis=0), names

    def _lines(self) -> np.ndarray:
        columns = []
        for layer, offset in zip(self.detector.layers, self.detector.offsets, strict=False):
            image = offset + np.arange(layer.n_voxels).reshape(layer.shape)
            if min(image.shape) > 1:
                columns += [*image, *image.T]
        lines = np.zeros((len(self.layer_of), len(columns)), dtype=np.float32)
        for number, voxels in enumerate(columns):
            lines[voxels, number] = 1.0
        return lines

    def _neighbour_products(self, logs) -> list[tf.Tensor]:
        """Products of each voxel with the next along each axis of its layer, 0 where there is none."""
        images = []
        for layer, part in zip(self.detector.layers, tf.split(logs, self.sizes, axis=1), strict=True):
            images.append((layer, tf.reshape(part, (-1, *layer.shape))))
        products = [tf.concat([_with_next_row(layer, image) for layer, image in images], axis=1)]
        if any(isinstance(layer, CellLayer) for layer, _ in images):
            products.append(tf.concat([_with_next_column(image) for _, image in images], axis=1))
        return products

    def _names(self) -> list[str]:
        layers = [f"layer {layer.layer_id}" for layer in self.detector.layers]
        axes = [f"{layers[index]} {axis}" for index, axis in self.coordinates]
        cells = any(isinstance(layer, CellLayer) for layer in self.detector.layers)
        return [
            *(f"ln energy {name}" for name in (*layers, "total")),
            *(f"centre {name}" for name in axes),
            *(f"width {name}" for name in axes),
            *(f"occupancy {name}" for name in layers),
            *(f"open {name}" for name in (*layers, "total")),
            *(f"share above {above:g} {name}" for above in COUNT_THRESHOLDS for name in layers),
            *(f"mean square {name}" for name in self.ring_names),
            *(f"neighbours {name}" for name in self.ring_names),
            *(f"neighbours in a row {name}" for name in self.ring_names if cells),
        ]


def members(numbers: np.ndarray, columns: int) -> np.ndarray:
    """Matrix with a 1 in the column of each row's number; none where it is negative."""
    matrix = np.zeros((len(numbers), columns), dtype=np.float32)
    rows = np.flatnonzero(numbers >= 0)
    matrix[rows, numbers[rows]] = 1.0
    return matrix


def ring_numbers(layer) -> np.ndarray:
    """Ring of each voxel of a layer, shape (n_voxels,)."""
    if isinstance(layer, CellLayer):
        rows, columns = (
            values / size for values, size in zip(layer.coordinates_mm.values(), _cell(layer), strict=True)
        )
        return np.searchsorted(CELL_RINGS, np.hypot(rows, columns), side="right") - 1
    # a layer of a single angular bin has one voxel in each ring
    return np.tile(np.arange(layer.n_r), layer.n_alpha)


def _cell(layer: CellLayer) -> tuple[float, float]:
    return layer.row_mm, layer.column_mm


def _with_next_row(layer, image) -> tf.Tensor:
    """Next row of cells, or next angular bin, after the last of which comes the first."""
    if isinstance(layer, CellLayer):
        following = tf.pad(image[:, 1:], [[0, 0], [0, 1], [0, 0]])
    else:
        following = tf.concat([image[:, 1:], image[:, :1]], axis=1)
    return tf.reshape(image * following, (-1, layer.n_voxels))


def _with_next_column(image) -> tf.Tensor:
    following = tf.pad(image[:, :, 1:], [[0, 0], [0, 0], [0, 1]])
    return tf.reshape(image * following, (-1, image.shape[1] * image.shape[2]))
