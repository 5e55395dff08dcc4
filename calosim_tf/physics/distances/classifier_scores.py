"""Scores of a classifier of generated against reference showers: calibration, AUC, Jensen-Shannon divergence.

CaloChallenge: the output is calibrated by isotonic regression on the showers that select the best epoch; AUC and JSD
use other showers.  JSD = 1 - BCE / ln 2 with the binary cross-entropy BCE of the calibrated output: 0 where the
classifier has learnt nothing, 1 where it recognises every shower.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# As in the challenge's framework: a calibrated 0 or 1 that is wrong counts as this many nats
LARGEST_LOSS = 100.0


@dataclass(frozen=True)
class ClassifierScore:
    """AUC and JSD of one training, with their statistical errors for the given showers."""

    auc: float
    auc_error: float
    jsd: float
    jsd_error: float


def auc(score: np.ndarray, positive: np.ndarray) -> float:
    """Area under the receiver operating characteristic: P(positive above negative), ties count half.

    Parameters
    ----------
    score : ndarray, shape (n,)
    positive : ndarray of bool, shape (n,)
    """
    from scipy.stats import rankdata

    n_positive = int(np.count_nonzero(positive))
    n_negative = len(positive) - n_positive
    ranks = rankdata(score)[positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def auc_error(value: float, n_positive: int, n_negative: int) -> float:
    """Standard error of an AUC (Hanley and McNeil 1982)."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (n_positive - 1) * (q1 - value**2) + (n_negative - 1) * (q2 - value**2)
    return math.sqrt(max(variance, 0.0) / (n_positive * n_negative))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Isotonic map from a score to the probability of the reference; linear between its points, constant beyond."""

    scores: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def fit(cls, score: np.ndarray, positive: np.ndarray) -> Calibration:
        """Fit to scores of shape (n,) with known classes of shape (n,)."""
        from scipy.optimize import isotonic_regression

        distinct, place, counts = np.unique(score, return_inverse=True, return_counts=True)
        mean = np.bincount(place, weights=positive.astype(np.float64)) / counts
        return cls(distinct, isotonic_regression(mean, weights=counts.astype(np.float64)).x)

    def __call__(self, score: np.ndarray) -> np.ndarray:
        return np.interp(score, self.scores, self.probabilities)


def classifier_score(probability: np.ndarray, positive: np.ndarray) -> ClassifierScore:
    """AUC and JSD of calibrated probabilities.

    Parameters
    ----------
    probability : ndarray, shape (n,)
        Of being from the reference.
    positive : ndarray of bool, shape (n,)
        Whether it is; both classes of one size.
    """
    right = np.where(positive, probability, 1.0 - probability)
    loss = np.full(len(right), LARGEST_LOSS)
    np.log(right, out=loss, where=right > 0)
    loss = np.minimum(np.abs(loss), LARGEST_LOSS)
    n_positive = int(np.count_nonzero(positive))
    value = auc(probability, positive)
    return ClassifierScore(
        value,
        auc_error(value, n_positive, len(positive) - n_positive),
        float(1 - loss.mean() / math.log(2)),
        float(loss.std(ddof=1) / math.sqrt(len(loss)) / math.log(2)),
    )
