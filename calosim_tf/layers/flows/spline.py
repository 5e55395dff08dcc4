"""Monotonic rational-quadratic spline with linear tails (Durkan et al. 2019), as CaloFlow sets it."""

from __future__ import annotations

from typing import NamedTuple

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
# What a softplus turns into the slope 1 at the ends
END_SLOPE = float(np.log(np.expm1(1.0 - LEAST)))
# Sums over the bins before each one
_BEFORE = np.tril(np.ones((BINS, BINS)), k=-1)


def spline(x: tf.Tensor, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The map and the logarithm of its slope.

    Parameters
    ----------
    x : tensor, shape (..., n)
    raw : tensor, shape (..., 23, n)
        Unbounded numbers: widths and heights of the bins (through softmax), slopes at the inner knots (softplus).  The
        last axis is a long one, along which the arithmetic is fast.

    Returns
    -------
    tuple of tensors, shape (..., n)
    """
    inside = tf.abs(x) <= BOUND
    own = _own_bin(x, raw, 0)
    # rounding at a knot
    place = tf.clip_by_value((tf.clip_by_value(x, -BOUND, BOUND) - own.left) / own.width, 0.0, 1.0)
    steepness = own.height / own.width
    product = place * (1.0 - place)
    below = steepness + (own.slope + own.next_slope - 2.0 * steepness) * product
    y = own.low + own.height * (steepness * place**2 + own.slope * product) / below
    log_slope = _log_slope(place, product, steepness, own, below)
    return tf.where(inside, y, x), tf.where(inside, log_slope, tf.zeros_like(x))


def inverse_spline(y: tf.Tensor, raw: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The inverse map and the logarithm of its slope; as :func:`spline`."""
    inside = tf.abs(y) <= BOUND
    own = _own_bin(y, raw, 1)
    steepness = own.height / own.width
    climbed = tf.clip_by_value(y, -BOUND, BOUND) - own.low
    bend = climbed * (own.slope + own.next_slope - 2.0 * steepness)
    # the place solves a t^2 + b t + c = 0
    a = own.height * (steepness - own.slope) + bend
    b = own.height * own.slope - bend
    c = -steepness * climbed
    root = tf.sqrt(tf.maximum(b**2 - 4.0 * a * c, LEAST_DISCRIMINANT))
    place = tf.clip_by_value(2.0 * c / (-b - root), 0.0, 1.0)
    product = place * (1.0 - place)
    below = steepness + (own.slope + own.next_slope - 2.0 * steepness) * product
    log_slope = _log_slope(place, product, steepness, own, below)
    return tf.where(inside, own.left + place * own.width, y), tf.where(inside, -log_slope, tf.zeros_like(y))


class _OwnBin(NamedTuple):
    """The bin that holds each value, shape (..., n) each."""

    left: tf.Tensor
    width: tf.Tensor
    low: tf.Tensor
    height: tf.Tensor
    slope: tf.Tensor
    next_slope: tf.Tensor


def _own_bin(value: tf.Tensor, raw: tf.Tensor, axis: int) -> _OwnBin:
    """Bin by the widths (``axis`` 0) or heights (1): the last one that begins at or before the value.

    Which bin it is has no gradient; sizes and slopes are picked from it, so that no pass over all bins is made twice.
    """
    *sizes, slopes = tf.split(raw, [BINS, BINS, BINS - 1], axis=-2)
    # without softmax's own pass: its quotient is taken of the picked numbers alone
    weights = [tf.exp(part - tf.stop_gradient(tf.reduce_max(part, axis=-2, keepdims=True))) for part in sizes]
    totals = [tf.reduce_sum(part, axis=-2) for part in weights]
    before, here = _masks(value, tf.stop_gradient(weights[axis]), tf.stop_gradient(totals[axis]))
    passed = tf.reduce_sum(before, axis=-2)
    edges = []
    for part, total in zip(weights, totals, strict=True):
        scale = (1.0 - BINS * LEAST) / total
        edges.append(2.0 * BOUND * (LEAST * passed + scale * tf.reduce_sum(before * part, axis=-2)) - BOUND)
        edges.append(2.0 * BOUND * (LEAST + scale * tf.reduce_sum(here * part, axis=-2)))
    # split and not sliced: tf2onnx stumbles over an ellipsis
    first, others = tf.split(here, [1, BINS - 1], axis=-2)
    most, last = tf.split(here, [BINS - 1, 1], axis=-2)
    picked = (
        tf.reduce_sum(others * slopes, axis=-2) + tf.reduce_sum(first, axis=-2) * END_SLOPE,
        tf.reduce_sum(most * slopes, axis=-2) + tf.reduce_sum(last, axis=-2) * END_SLOPE,
    )
    return _OwnBin(*edges, *(LEAST + tf.nn.softplus(slope) for slope in picked))


def _masks(value: tf.Tensor, weights: tf.Tensor, total: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """1 for the bins before that of the value, and for its own, shape (..., bins, n)."""
    share = (tf.clip_by_value(value, -BOUND, BOUND) + BOUND) / (2.0 * BOUND)
    sums = tf.matmul(tf.constant(_BEFORE, weights.dtype), weights)
    least = tf.constant(LEAST * np.arange(BINS)[:, np.newaxis], weights.dtype)
    begins = least + (1.0 - BINS * LEAST) / tf.expand_dims(total, -2) * sums
    reached = tf.cast(tf.expand_dims(share, -2) >= begins, weights.dtype)
    first, others = tf.split(reached, [1, BINS - 1], axis=-2)
    before = tf.concat([others, tf.zeros_like(first)], axis=-2)
    return before, reached - before


def _log_slope(place, product, steepness, own: _OwnBin, below) -> tf.Tensor:
    above = own.next_slope * place**2 + 2.0 * steepness * product + own.slope * (1.0 - place) ** 2
    return 2.0 * (tf.math.log(steepness) - tf.math.log(below)) + tf.math.log(above)
