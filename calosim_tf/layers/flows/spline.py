"""Monotonic rational-quadratic spline with linear tails (Durkan et al. 2019), as CaloFlow sets it."""

from __future__ import annotations

import numpy as np
import tensorflow as tf

# CaloFlow, authors' code: bins, half width of the square outside of which the map is the identity, least width, height
# and slope
BINS = 8
BOUND = 14.0
LEAST = 1e-6
# Widths, heights, and slopes at the inner knots
PARAMETERS = 3 * BINS - 1
# Keeps the gradient of the root finite where rounding has brought the discriminant below 0
LEAST_DISCRIMINANT = 1e-30
# Sums over the bins before each one
_BEFORE = np.triu(np.ones((BINS, BINS)), k=1)


def spline(x: tf.Tensor, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The map and the logarithm of its slope.

    Parameters
    ----------
    x : tensor, shape (n,)
    raw : tensor, shape (n, 23)
        Unbounded numbers: widths and heights of the bins (through softmax), slopes at the inner knots (softplus).

    Returns
    -------
    tuple of tensors, shape (n,)
    """
    inside = tf.abs(x) <= BOUND
    within = tf.clip_by_value(x, -BOUND, BOUND)
    columns = _columns(raw)
    left, width, low, height, slope, next_slope = _own_bin(within, columns[0], columns)
    place = (within - left) / width
    steepness = height / width
    # of a place in its bin and the rest of it
    product = place * (1.0 - place)
    below = steepness + (slope + next_slope - 2.0 * steepness) * product
    y = low + height * (steepness * place**2 + slope * product) / below
    log_slope = _log_slope(place, product, steepness, slope, next_slope, below)
    return tf.where(inside, y, x), tf.where(inside, log_slope, tf.zeros_like(x))


def inverse_spline(y: tf.Tensor, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The inverse map and the logarithm of its slope; as :func:`spline`."""
    inside = tf.abs(y) <= BOUND
    within = tf.clip_by_value(y, -BOUND, BOUND)
    columns = _columns(raw)
    left, width, low, height, slope, next_slope = _own_bin(within, columns[2], columns)
    steepness = height / width
    climbed = within - low
    bend = climbed * (slope + next_slope - 2.0 * steepness)
    # the place solves a t^2 + b t + c = 0
    a = height * (steepness - slope) + bend
    b = height * slope - bend
    c = -steepness * climbed
    root = tf.sqrt(tf.maximum(b**2 - 4.0 * a * c, LEAST_DISCRIMINANT))
    place = tf.clip_by_value(2.0 * c / (-b - root), 0.0, 1.0)
    product = place * (1.0 - place)
    below = steepness + (slope + next_slope - 2.0 * steepness) * product
    log_slope = _log_slope(place, product, steepness, slope, next_slope, below)
    return tf.where(inside, left + place * width, y), tf.where(inside, -log_slope, tf.zeros_like(y))


def _columns(raw: tf.Tensor) -> tuple[tf.Tensor, ...]:
    """Left ends, widths, lower ends, heights, slopes at left and right ends of all bins, shape (n, bins) each."""
    widths, heights, slopes = tf.split(raw, [BINS, BINS, BINS - 1], axis=1)
    slopes = LEAST + tf.nn.softplus(slopes)
    # slope 1 at both ends: the tails go on with it
    at_left = tf.pad(slopes, [[0, 0], [1, 0]], constant_values=1.0)
    at_right = tf.pad(slopes, [[0, 0], [0, 1]], constant_values=1.0)
    return (*_bins(widths), *_bins(heights), at_left, at_right)


def _bins(raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Beginnings and sizes of bins that fill the square."""
    share = LEAST + (1.0 - BINS * LEAST) * tf.nn.softmax(raw)
    return 2.0 * BOUND * tf.matmul(share, tf.constant(_BEFORE, share.dtype)) - BOUND, 2.0 * BOUND * share


def _own_bin(value: tf.Tensor, beginnings: tf.Tensor, columns: tuple[tf.Tensor, ...]) -> list[tf.Tensor]:
    """Columns at the bin that holds each value, the last one that begins at or before it."""
    reached = tf.cast(value[:, tf.newaxis] >= beginnings, value.dtype)
    here = reached - tf.pad(reached[:, 1:], [[0, 0], [0, 1]])
    return tf.unstack(tf.reduce_sum(here * tf.stack(columns), axis=2))


def _log_slope(place, product, steepness, slope, next_slope, below) -> tf.Tensor:
    above = next_slope * place**2 + 2.0 * steepness * product + slope * (1.0 - place) ** 2
    return 2.0 * (tf.math.log(steepness) - tf.math.log(below)) + tf.math.log(above)
