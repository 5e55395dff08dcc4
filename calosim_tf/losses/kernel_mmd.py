"""Maximum mean discrepancies with Gaussian kernels (Buhmann et al. 2021; formulae: authors' code)."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from calosim_tf.layers.replicas import active_replicas


def vector_mmd(found: tf.Tensor, wanted: tf.Tensor, sharpness: Sequence[float]) -> tf.Tensor:
    """Squared discrepancy of two samples of vectors, of the global batch; shape ().

    Parameters
    ----------
    found, wanted : tensor, shape (batch, size)
    sharpness : sequence of float
        The kernel is the sum of exp(-a d^2) over these a, with the distance d of two vectors.

    Notes
    -----
    Means over all pairs of the batch, a vector with itself among them.
    """
    found, wanted = (active_replicas().gather(rows) for rows in (found, wanted))

    def mean_kernel(one, other):
        squares = tf.reduce_sum((one[:, tf.newaxis] - other) ** 2, axis=-1)
        return tf.add_n([tf.reduce_mean(tf.exp(-a * squares)) for a in sharpness])

    return mean_kernel(found, found) + mean_kernel(wanted, wanted) - 2.0 * mean_kernel(found, wanted)


def sorted_mmd(found: tf.Tensor, wanted: tf.Tensor, window: int, stride: int, last: int, sharpness: float) -> tf.Tensor:
    """Squared discrepancy of the cells of showers in pairs, window after window of cells in falling order; shape ().

    Parameters
    ----------
    found, wanted : tensor, shape (batch, ...)
    window, stride, last : int
        Windows of ``window`` cells begin at 0, ``stride``, ... below ``last``.
    sharpness : float
        The kernel of two cells is exp(-sharpness (a - b)^2).

    Notes
    -----
    Mean over showers and windows; in a window, means over all pairs of cells, a cell with itself among them.
    """
    begins = range(0, last, stride)
    places = tf.constant([[begin + step for step in range(window)] for begin in begins])

    def windows(showers):
        cells = tf.reshape(showers, (showers.shape[0], -1))
        ordered, _ = tf.math.top_k(cells, begins[-1] + window)
        return tf.gather(ordered, places, axis=1)  # (batch, windows, window)

    def mean_kernel(one, other):
        return tf.reduce_mean(tf.exp(-sharpness * (one[..., :, tf.newaxis] - other[..., tf.newaxis, :]) ** 2))

    one, other = windows(found), windows(wanted)
    return mean_kernel(one, one) + mean_kernel(other, other) - 2.0 * mean_kernel(one, other)
