"""Do generated showers hold more information than the training sample?  Quantile MSE and equivalent sample size.

Butter et al., GANplifying event samples (SciPost Phys. 10, 139; arXiv:2008.06545): cut the true distribution of an
observable into n_q quantiles; with x_j the share of points in quantile j,

    MSE_q = (1/n_q) sum_j (x_j - 1/n_q)^2 .

N points of the truth give (1 - 1/n_q)/(n_q N) on average, so an MSE_q has an equivalent number of true points.
Amplification is that number over the number of training points.  The expectation makes the curve of the truth exact, so
nothing has to be interpolated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from calosim_tf.progress import progress

# The paper's toy: a camel back, and a training sample of 100 points
CAMEL_MEAN, CAMEL_SIGMA = 4.0, 1.0
TOY_TRAINING = 100
TOY_QUANTILES = 20
TOY_REPEATS = 100
TOY_SIZES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
_STREAM_WORD = 0xA3F


def quantile_mse(shares: np.ndarray, expected: np.ndarray | float | None = None) -> float:
    """Mean squared difference of the shares per quantile from the expected ones, 1/n_q unless given.

    Parameters
    ----------
    shares : ndarray, shape (n_q,)
    expected : ndarray, shape (n_q,), or float, optional
    """
    return float(np.mean((shares - (1 / len(shares) if expected is None else expected)) ** 2))


def mse_of_one_point(shares: np.ndarray) -> float:
    """Mean MSE of a single point of a law with these shares per bin; N points have an N-th of it.

    Multinomial variance, summed over the bins, over their number: (1 - 1/n_q)/n_q for quantiles.

    Parameters
    ----------
    shares : ndarray, shape (n_q,)
    """
    return float(np.sum(shares * (1 - shares)) / len(shares))


def equivalent_points(mse: float, of_one_point: float, n_reference: float = math.inf) -> float:
    """Number of true points with this MSE.

    Parameters
    ----------
    mse, of_one_point : float
        The second from :func:`mse_of_one_point`.
    n_reference : float
        Showers that the quantiles were taken from, whose own fluctuation adds to the MSE.

    Returns
    -------
    float
        Infinite where the MSE is not above that of the reference's own fluctuation.
    """
    inverse = mse / of_one_point - 1 / n_reference
    return 1 / inverse if inverse > 0 else math.inf


def shares_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the values between inner quantile ``edges`` (n_q - 1,): shape (n_q,)."""
    places = np.searchsorted(edges, values, side="right")
    return np.bincount(places, minlength=len(edges) + 1) / len(values)


def camel_back(n: int, rng: np.random.Generator) -> np.ndarray:
    """The toy's truth: half N(-4, 1), half N(4, 1)."""
    return rng.normal(0.0, CAMEL_SIGMA, n) + CAMEL_MEAN * rng.choice((-1.0, 1.0), n)


def camel_quantiles(n_quantiles: int) -> np.ndarray:
    """Inner quantiles of the toy's truth, shape (n_q - 1,)."""
    from scipy.optimize import brentq
    from scipy.stats import norm

    def cumulative(x: float) -> float:
        return 0.5 * (norm.cdf(x, -CAMEL_MEAN, CAMEL_SIGMA) + norm.cdf(x, CAMEL_MEAN, CAMEL_SIGMA))

    shares = np.arange(1, n_quantiles) / n_quantiles
    return np.array([brentq(lambda x, share=share: cumulative(x) - share, -40.0, 40.0) for share in shares])


@dataclass(frozen=True)
class ToyGenerator:
    """Something that learns a one-dimensional density from points.

    Attributes
    ----------
    name : str
        What it is, in words: a stand-in is called one.
    learn : callable
        ``learn(points) -> draw``, and ``draw(n, rng)`` gives new points.
    """

    name: str
    learn: Callable[[np.ndarray], Callable[[int, np.random.Generator], np.ndarray]]


def learn_kernel_density(points: np.ndarray) -> Callable[[int, np.random.Generator], np.ndarray]:
    """Gaussian kernels on the points; width by Silverman's rule within the two halves of the sorted points.

    The rule over all points would mistake the distance of the two peaks for their width.
    """
    halves = np.split(np.sort(points), [np.searchsorted(np.sort(points), points.mean())])
    spread = [half.std(ddof=1) if len(half) > 1 else 0.0 for half in halves]
    widths = np.concatenate(
        [np.full(len(h), 1.06 * s * max(len(h), 1) ** -0.2) for h, s in zip(halves, spread, strict=True)]
    )
    centres = np.concatenate(halves)

    def draw(n: int, rng: np.random.Generator) -> np.ndarray:
        chosen = rng.integers(len(centres), size=n)
        return rng.normal(centres[chosen], widths[chosen])

    return draw


KERNEL_DENSITY = ToyGenerator("kernel density (stand-in for a GAN)", learn_kernel_density)


def fit_camel_back(points: np.ndarray) -> np.ndarray:
    """Maximum-likelihood fit of the five parameters: share of the first peak, two means, two widths."""
    from scipy.optimize import minimize
    from scipy.stats import norm

    def minus_log_likelihood(parameters: np.ndarray) -> float:
        share, first, second, log_first, log_second = parameters
        density = share * norm.pdf(points, first, math.exp(log_first))
        density += (1 - share) * norm.pdf(points, second, math.exp(log_second))
        return -float(np.log(np.maximum(density, 1e-300)).sum())

    middle = points.mean()
    low, high = points[points < middle], points[points >= middle]
    start = (len(low) / len(points), low.mean(), high.mean(), math.log(low.std()), math.log(high.std()))
    bounds = ((1e-3, 1 - 1e-3), (None, None), (None, None), (-3.0, 3.0), (-3.0, 3.0))
    share, *means, log_first, log_second = minimize(minus_log_likelihood, start, bounds=bounds).x
    return np.array([share, *means, math.exp(log_first), math.exp(log_second)])


def fitted_shares(parameters: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share of the fitted density between inner ``edges``, exact: shape (n_q,)."""
    from scipy.stats import norm

    share, first, second, sigma_first, sigma_second = parameters
    below = share * norm.cdf(edges, first, sigma_first) + (1 - share) * norm.cdf(edges, second, sigma_second)
    return np.diff(np.concatenate([[0.0], below, [1.0]]))


def toy_amplification(
    *,
    training: int = TOY_TRAINING,
    n_quantiles: int = TOY_QUANTILES,
    repeats: int = TOY_REPEATS,
    sizes: Sequence[int] = TOY_SIZES,
    generator: ToyGenerator = KERNEL_DENSITY,
    seed: int = 0,
) -> dict[str, Any]:
    """The toy of the paper: sample, five-parameter fit and generator against a known density.

    Parameters
    ----------
    training : int
        Points to learn from.
    n_quantiles : int
    repeats : int
        Independent training samples; numbers are means over them with their standard errors.
    sizes : sequence of int
        Generated points.
    generator : ToyGenerator
    seed : int

    Returns
    -------
    dict
        The content of ``study.json``; see ``docs/validation.md``.
    """
    edges = camel_quantiles(n_quantiles)
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((_STREAM_WORD, seed))))
    sample, fit, made = [], [], []
    for _ in progress(range(repeats), repeats, "training samples"):
        points = camel_back(training, rng)
        sample.append(quantile_mse(shares_of(points, edges)))
        fit.append(quantile_mse(fitted_shares(fit_camel_back(points), edges)))
        draw = generator.learn(points)
        made.append([quantile_mse(shares_of(draw(size, rng), edges)) for size in sizes])
    one = mse_of_one_point(np.full(n_quantiles, 1 / n_quantiles))
    found = {
        "truth": truth_curve(training, sizes[-1], one),
        "training_sample": measured_mse(*mean_and_error(sample), one, training),
        "fit": measured_mse(*mean_and_error(fit), one, training),
        "generated": [
            {"points": size} | measured_mse(*mean_and_error(column), one, training)
            for size, column in zip(sizes, np.array(made).T, strict=True)
        ],
    }
    return {
        "schema": 1,
        "study": "amplification",
        "form": "toy",
        "truth": "camel back: half N(-4, 1), half N(4, 1)",
        "generator": generator.name,
        "training": training,
        "quantiles": n_quantiles,
        "repeats": repeats,
        "seed": seed,
        "observables": {"x": found},
    }


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Mean of repetitions and its standard error."""
    return float(np.mean(values)), float(np.std(values, ddof=1) / math.sqrt(len(values)))


def truth_curve(training: int, last: int, of_one_point: float, n_reference: float = math.inf) -> list[dict[str, float]]:
    """Expected MSE of samples of the truth, from half of the training sample to ``last`` points."""
    sizes = np.geomspace(training / 2, max(last, training), 25)
    return [{"points": float(n), "expected": of_one_point * (1 / n + 1 / n_reference)} for n in sizes]


def measured_mse(
    mse: float, error: float, of_one_point: float, training: int, n_reference: float = math.inf
) -> dict[str, float | None]:
    """An MSE, its equivalent number of true points and the amplification.

    Parameters
    ----------
    mse, error : float
    of_one_point, n_reference : float
        As in :func:`equivalent_points`.
    training : int
        Training showers or points.

    Returns
    -------
    dict
        ``mse``, ``error``, ``equivalent_points`` and ``amplification``, these two also with ``_low`` and ``_high`` for
        one error more and less; None means more than the reference can resolve.
    """
    numbers: dict[str, float | None] = {"mse": mse, "error": error}
    for ending, value in (("", mse), ("_low", mse + error), ("_high", max(mse - error, 0.0))):
        points = equivalent_points(value, of_one_point, n_reference)
        numbers[f"equivalent_points{ending}"] = points if math.isfinite(points) else None
        numbers[f"amplification{ending}"] = points / training if math.isfinite(points) else None
    return numbers
