"""Rare events: how many generated showers lie beyond the outer 1 % and 0.1 % of the reference."""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.shower_shapes import shapes_of_both
from calosim_tf.physics.metrics.statistics import THRESHOLD, MetricFunction, binomial_error

# name -> share of the reference beyond
TAILS = {"tail_rate_1_percent": 0.01, "tail_rate_0_1_percent": 0.001}
# Our choice: expected reference showers in a tail, for an error of its quantile of about 30 %
LEAST_IN_TAIL = 10
SIDES = ("low", "high")


def tail_rate(values: np.ndarray, reference: np.ndarray, share: float, side: str) -> Measured:
    """Share of ``values`` beyond a quantile of the reference, over the reference's own share there.

    The binomial error (k + 1)/(n + 2) of both samples is in it.  Values equal to the quantile are not beyond it; where
    ties leave fewer than half of the tail's showers there, there is no number.

    Parameters
    ----------
    values, reference : ndarray, shape (n,), (m,)
    share : float
        Of the reference beyond the quantile.
    side : str
        ``low`` or ``high``.
    """
    if side == "low":
        values, reference = -values, -reference
    limit = np.quantile(reference, 1 - share)
    beyond, expected = (int(np.count_nonzero(sample > limit)) for sample in (values, reference))
    n, m = len(values), len(reference)
    counts = {"beyond": beyond, "reference_beyond": expected}
    if expected < share * m / 2:
        return Measured(math.nan, math.nan, extra=counts, reason="equal values at the quantile: there is no tail")
    rate, real_rate = beyond / n, expected / m
    error = math.hypot(binomial_error(beyond, n) / real_rate, rate / real_rate**2 * binomial_error(expected, m))
    return Measured(rate / real_rate, error, extra=counts)


def _tails(share: float) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        generated, reference = shapes_of_both(comparison)
        found = {
            f"{name}_{side}": tail_rate(generated[name], values, share, side)
            for name, values in reference.items()
            for side in SIDES
        }
        defined = [item for item in found.values() if math.isfinite(item.value)]
        if not defined:
            return {"": Measured.missing("no observable has a tail")}
        mean, error = (float(np.mean([getattr(item, key) for item in defined])) for key in ("value", "error"))
        return {"": Measured(mean, error), **found}

    return measured


TAIL_METRICS = tuple(
    Metric(
        name,
        "1",
        _tails(share),
        f"Generated showers beyond the reference's {100 * share:g} % quantile on either side, over the reference's own"
        f" share there, for each observable of whole showers, and their mean. {THRESHOLD} Error: binomial,"
        " (k + 1)/(n + 2), of both samples; that of the mean takes them as fully correlated.",
        ideal=1.0,
        scopes=(OVERALL,),
        least=round(LEAST_IN_TAIL / share),
    )
    for name, share in TAILS.items()
)
