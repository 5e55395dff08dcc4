"""Terms of the evidence lower bound of a variational autoencoder (Kingma and Welling 2013).

Its encoder gives a normal law of the latent, its prior is the standard normal.
"""

from __future__ import annotations

import math

import tensorflow as tf

from calosim_tf.layers.replicas import active_replicas

# Keeps the derivative of the root finite where all cells are met exactly; far below any sum over a batch
ROOT_GUARD = 1e-12


def latent_of(mean: tf.Tensor, log_variance: tf.Tensor, noise: tf.Tensor) -> tf.Tensor:
    """A latent of the encoder's law from standard normal ``noise``, all of shape (batch, latents)."""
    return mean + tf.exp(log_variance / 2.0) * noise


def divergence(mean: tf.Tensor, log_variance: tf.Tensor) -> tf.Tensor:
    """Kullback-Leibler divergence of the encoder's law from the standard normal, shape (batch,), nats.

    Parameters
    ----------
    mean, log_variance : tensor, shape (batch, latents)
    """
    return tf.reduce_sum(tf.exp(log_variance) + mean**2 - 1.0 - log_variance, axis=1) / 2.0


def squared_distance(showers: tf.Tensor, again: tf.Tensor) -> tf.Tensor:
    """Sum over the cells of squared differences, shape (batch,)."""
    return tf.reduce_sum((again - showers) ** 2, axis=list(range(1, len(showers.shape))))


def batch_root_terms(squares: tf.Tensor, nats: tf.Tensor, reference_rows: int) -> tuple[tf.Tensor, tf.Tensor]:
    """One root of the squares of the whole batch, and the divergences of the whole batch (code of the LHCb CVAE).

    Parameters
    ----------
    squares, nats : tensor, shape (rows of this replica,)
        Of :func:`squared_distance` and :func:`divergence`.
    reference_rows : int
        Size of batch at which the two are added as they are.  The first grows with the root of the size, the second
        with the size, so that at other sizes the second is multiplied by the root of reference over size.

    Returns
    -------
    reconstruction, divergence : scalar tensors
        Of the global batch, alike on all replicas.
    """
    replicas = active_replicas()
    square, nat = replicas.sum([tf.reduce_sum(squares), tf.reduce_sum(nats)])
    rows = squares.shape[0] * replicas.number
    return tf.sqrt(square + ROOT_GUARD), math.sqrt(reference_rows / rows) * nat


def gaussian_terms(squares: tf.Tensor, nats: tf.Tensor, cells: int, width: float) -> tuple[tf.Tensor, tf.Tensor]:
    """Minus the evidence lower bound per shower where a cell has a normal law of fixed width, in two parts.

    Parameters
    ----------
    squares, nats : tensor, shape (batch,)
        Of :func:`squared_distance` and :func:`divergence`.
    cells : int
    width : float
        Standard deviation of a cell, in the units of the showers.

    Returns
    -------
    reconstruction, divergence : scalar tensors
        Mean of minus the logarithm of the density, nats, and mean divergence.
    """
    constant = cells * math.log(width * math.sqrt(2.0 * math.pi))
    return tf.reduce_mean(squares) / (2.0 * width**2) + constant, tf.reduce_mean(nats)
