"""Terms of the evidence lower bound: a linear-Gaussian autoencoder against its closed form, and the authors' sum."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.losses import elbo

CELLS, LATENTS, BATCH = 5, 2, 4


def test_the_bound_of_a_linear_gaussian_autoencoder_is_its_evidence():
    """Breaks when a factor 1/2, the width of a cell or its constant is lost, or noise is not scaled by exp(log / 2).

    x = W z + b + s n with orthogonal columns of W: the exact law of z given x has independent components, so that the
    bound is ln N(x; b, W W^T + s^2) itself.
    """
    rng = np.random.default_rng(1)
    columns, _ = np.linalg.qr(rng.normal(size=(CELLS, LATENTS)))
    weights, offset, width = columns * [1.7, 0.6], rng.normal(size=CELLS), 0.3
    showers = rng.normal(size=(BATCH, CELLS))
    variance = 1.0 / (1.0 + (weights**2).sum(axis=0) / width**2)
    mean = variance * ((showers - offset) @ weights) / width**2
    mean, log_variance = (tf.constant(x, tf.float32) for x in (mean, np.log(np.tile(variance, (BATCH, 1)))))
    # the mean over these points is that over all noise, for any quadratic form
    points = np.concatenate([np.eye(LATENTS), -np.eye(LATENTS)]) * np.sqrt(LATENTS)
    squares = []
    for point in points:
        latent = elbo.latent_of(mean, log_variance, tf.constant(np.tile(point, (BATCH, 1)), tf.float32))
        squares.append(elbo.squared_distance(tf.constant(showers, tf.float32), latent @ weights.T + offset))
    terms = elbo.gaussian_terms(tf.reduce_mean(squares, axis=0), elbo.divergence(mean, log_variance), CELLS, width)
    covariance, residual = weights @ weights.T + width**2 * np.eye(CELLS), showers - offset
    exponent = np.einsum("bi,ij,bj->b", residual, np.linalg.inv(covariance), residual)
    evidence = -(exponent + np.linalg.slogdet(2 * np.pi * covariance)[1]) / 2
    assert float(sum(terms)) == pytest.approx(-evidence.mean(), rel=1e-5)


def batch_terms(copies, reference):
    rng = np.random.default_rng(2)
    showers, again = (np.tile(rng.normal(size=(3, 2, 2, 1)), (copies, 1, 1, 1)).astype("f4") for _ in range(2))
    mean, log_variance = (np.tile(rng.normal(size=(3, 2)), (copies, 1)).astype("f4") for _ in range(2))
    found = elbo.squared_distance(tf.constant(showers), tf.constant(again)), elbo.divergence(mean, log_variance)
    expected = np.sqrt(((showers - again) ** 2).sum()), -0.5 * (1 + log_variance - mean**2 - np.exp(log_variance)).sum()
    return [float(term) for term in elbo.batch_root_terms(*found, reference)], expected


def test_the_authors_sum_has_one_root_and_no_mean():
    """Breaks when the root is taken per shower, or a term is divided by the batch: twice the batch is root 2 and 2."""
    for copies in (1, 2):
        found, expected = batch_terms(copies, reference=3 * copies)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_another_batch_keeps_the_balance_of_the_reference():
    """Breaks when the root of reference over size is inverted or left out."""
    (once, nats), _ = batch_terms(1, reference=3)
    (four_times, balanced), _ = batch_terms(4, reference=3)
    assert balanced / four_times == pytest.approx(nats / once, rel=1e-5)
