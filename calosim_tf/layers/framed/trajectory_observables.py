"""Observables along and across the trajectory of an inclined particle, with gradients, in the particle's frame."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

from calosim_tf.geometry import VoxelDetector
from calosim_tf.layers.soft_observables import members, ring_numbers

# Our choices.  Cells are counted softly above these shares of the layer's energy
SHARES = np.logspace(-5, -1, 20, dtype=np.float32)
SHARE_STEEPNESS = 5.0
# ... and above these multiples of the threshold, and as lonely ones, in rings of these inner edges, in cells
COUNT_THRESHOLDS = np.array([1.5, 6.0, 30.0, 200.0], dtype=np.float32)
AREA_EDGES = (0.0, 3.0, 6.0, 9.0)
# A cell is lonely when all neighbours hold less than this share of it; one above so many thresholds is hot
LONELY_SHARE, HOT = 0.3, 50.0
HOTTEST = 4
# Energy shares below this are as good as none; distances are cut at so many half cells
TINY_SHARE, FARTHEST = 1e-4, 12.0
# A cell is on a side of a line softly over half a half cell
SIDE_STEEPNESS = 2.0
NAMES = (
    *(f"{what} {axis}" for axis in ("along", "across") for what in ("centre", "width", "side", "distance", "skewness")),
    *(f"hottest {number}" for number in range(HOTTEST)),
    *(f"cells above {share:.1e} of the layer" for share in SHARES),
)


class TrajectoryObservables:
    """Observables of one detector of cells.

    Parameters
    ----------
    detector : VoxelDetector
    threshold_mev : float

    Attributes
    ----------
    names : list of str
        Of the columns of a call.
    """

    def __init__(self, detector: VoxelDetector, threshold_mev: float):
        self.detector = detector
        self.threshold = np.float32(threshold_mev)
        self.rings, self.areas, self.names = [], [], []
        for layer in detector.layers:
            rings = ring_numbers(layer)
            self.rings.append(members(rings, rings.max() + 1))
            areas = np.searchsorted(AREA_EDGES, _distance_in_cells(layer), side="right") - 1
            self.areas.append(members(areas, areas.max() + 1))
            counted = [f"above {above:g}" for above in COUNT_THRESHOLDS] + ["lonely", "lonely hot"]
            own = [f"ring {number}" for number in range(rings.max() + 1)]
            own += [f"{what} in area {area}" for what in counted for area in range(areas.max() + 1)]
            self.names += [f"{name} layer {layer.layer_id}" for name in (*NAMES, *own)]

    def __call__(self, showers: tf.Tensor, logs: tf.Tensor, numbers: tf.Tensor) -> tf.Tensor:
        """All observables, shape (batch, len(names)).

        Parameters
        ----------
        showers : tensor, shape (batch, voxels), MeV
            In the frame.
        logs : tensor, shape (batch, voxels)
            Logarithms of :class:`~calosim_tf.layers.soft_observables.SoftObservables`.
        numbers : tensor, shape (batch, 2 + 2 layers)
            Of :class:`~calosim_tf.layers.framed.particle_frame.ParticleFrame`.
        """
        sizes = [layer.n_voxels for layer in self.detector.layers]
        parts = [tf.split(values, sizes, axis=1) for values in (showers, logs)]
        found = []
        for index, (cells, own_logs) in enumerate(zip(*parts, strict=True)):
            found += self._of_layer(index, cells, own_logs, numbers)
        return tf.concat(found, axis=1)

    def _of_layer(self, index: int, cells, logs, numbers) -> list[tf.Tensor]:
        layer = self.detector.layers[index]
        total = tf.reduce_sum(cells, axis=1, keepdims=True) + 1e-3 * self.threshold
        shares = cells / total
        found = self._line_moments(layer, shares, numbers[:, :2], numbers[:, 2 + 2 * index : 4 + 2 * index])
        bare = tf.math.log(cells / self.threshold + 1e-3)
        share_logs = bare + tf.math.log(self.threshold / total)
        hottest = tf.math.top_k(shares, HOTTEST).values
        counts = [
            tf.reduce_sum(tf.sigmoid((share_logs - np.log(share)) * SHARE_STEEPNESS), axis=1, keepdims=True)
            for share in SHARES
        ]
        rings = tf.math.log(tf.matmul(shares, self.rings[index]) + TINY_SHARE)
        areas = self.areas[index]
        above = [tf.matmul(tf.sigmoid((bare - np.log(level)) * SHARE_STEEPNESS), areas) for level in COUNT_THRESHOLDS]
        lonely = _loneliness(tf.reshape(logs, (-1, *layer.shape)))
        hot = tf.sigmoid((bare - np.float32(np.log(HOT))) * SHARE_STEEPNESS)
        alone = [tf.matmul(lonely, areas), tf.matmul(lonely * hot, areas)]
        return [
            *found,
            tf.math.log(hottest + TINY_SHARE),
            tf.sqrt(tf.concat(counts, axis=1) + 1e-2),
            rings,
            *(tf.sqrt(count + 0.25) for count in (*above, *alone)),
        ]

    def _line_moments(self, layer, shares, slopes, rest) -> list[tf.Tensor]:
        """Centre, width, side, mean distance and skewness along and across the trajectory, in half cells."""
        half = min(layer.row_mm, layer.column_mm) / 2
        rows, columns = (
            np.float32(values / half)
            for values in (layer.coordinates_mm[a] for a in (layer.row_axis, layer.column_axis))
        )
        direction = slopes / (tf.norm(slopes, axis=1, keepdims=True) + 1e-6)
        rows = rows - rest[:, :1] * np.float32(layer.row_mm / 2 / half)
        columns = columns - rest[:, 1:] * np.float32(layer.column_mm / 2 / half)
        along = rows * direction[:, :1] + columns * direction[:, 1:]
        across = columns * direction[:, :1] - rows * direction[:, 1:]
        found = []
        for position in (along, across):
            powers = [position, position**2, tf.tanh(SIDE_STEEPNESS * position), tf.abs(position)]
            powers.append(tf.clip_by_value(position, -FARTHEST, FARTHEST) ** 3 / 30.0)
            mean, square, *others = (tf.reduce_sum(shares * power, axis=1, keepdims=True) for power in powers)
            found += [mean, tf.sqrt(tf.nn.relu(square - mean**2) + 0.05), *others]
        return found


def _loneliness(logs) -> tf.Tensor:
    """By how much ln of a cell is above what its largest neighbour would need: (batch, cells)."""
    rows, columns = logs.shape[1:]
    padded = tf.pad(logs, [[0, 0], [1, 1], [1, 1]])
    around = [
        padded[:, row : row + rows, column : column + columns]
        for row in range(3)
        for column in range(3)
        if (row, column) != (1, 1)
    ]
    largest = around[0]
    for other in around[1:]:
        largest = tf.maximum(largest, other)
    return tf.reshape(tf.nn.relu(logs - largest + np.float32(np.log(LONELY_SHARE))), (-1, rows * columns))


def _distance_in_cells(layer) -> np.ndarray:
    rows, columns = (
        layer.coordinates_mm[axis] / size
        for axis, size in ((layer.row_axis, layer.row_mm), (layer.column_axis, layer.column_mm))
    )
    return np.hypot(rows, columns)
