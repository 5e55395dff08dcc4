"""All metrics by name; a new one is added here."""

from __future__ import annotations

from collections.abc import Iterable

from calosim_tf.errors import ConfigError
from calosim_tf.physics.metrics.calogan import CALOGAN_METRICS
from calosim_tf.physics.metrics.classifiers import FULL, MODES, classifier_metrics
from calosim_tf.physics.metrics.correlations import CORRELATION_METRICS
from calosim_tf.physics.metrics.divergences import DIVERGENCE_METRICS
from calosim_tf.physics.metrics.diversity import DIVERSITY_METRICS
from calosim_tf.physics.metrics.feature_distances import FEATURE_DISTANCE_METRICS
from calosim_tf.physics.metrics.jets import JET_METRICS
from calosim_tf.physics.metrics.layer_shapes import SHAPE_METRICS
from calosim_tf.physics.metrics.lhcb import LHCB_METRICS
from calosim_tf.physics.metrics.memorisation import MEMORISATION_METRICS
from calosim_tf.physics.metrics.metric import Metric
from calosim_tf.physics.metrics.network_features import NETWORK_FEATURE_METRICS
from calosim_tf.physics.metrics.response import RESPONSE_METRICS
from calosim_tf.physics.metrics.shower_shapes import SHOWER_SHAPE_METRICS
from calosim_tf.physics.metrics.tails import TAIL_METRICS
from calosim_tf.physics.metrics.three_d_gan import THREE_D_METRICS

CLASSIFIER_METRICS = frozenset(metric.name for metric in classifier_metrics(FULL))
# Distances of whole showers, in pairs, bootstrapped or clustered: most of the cost of a full list
PAIR_METRICS = (*FEATURE_DISTANCE_METRICS, *DIVERSITY_METRICS, *MEMORISATION_METRICS, *LHCB_METRICS)
# Metrics of a full list; those that train a network run on request (classifier_metrics)
METRICS = {
    metric.name: metric
    for metric in (
        *RESPONSE_METRICS,
        *SHAPE_METRICS,
        *SHOWER_SHAPE_METRICS,
        *CORRELATION_METRICS,
        *DIVERGENCE_METRICS,
        *TAIL_METRICS,
        *PAIR_METRICS,
        *CALOGAN_METRICS,
        *THREE_D_METRICS,
        *JET_METRICS,
    )
}


def known_metrics(classifiers: str | None = None) -> dict[str, Metric]:
    """All metrics by name; ``classifiers`` ``fast`` or ``full``, how those train that do.

    Raises
    ------
    ConfigError
        ``classifiers`` is neither ``fast`` nor ``full``.
    """
    if classifiers not in (None, *MODES):
        raise ConfigError(f"classifiers: found {classifiers!r}, expected one of {', '.join(MODES)}")
    trained = (*classifier_metrics(MODES[classifiers or FULL.mode]), *NETWORK_FEATURE_METRICS)
    return METRICS | {metric.name: metric for metric in trained}


def chosen_metrics(metrics: Iterable[str | Metric] | None, classifiers: str | None = None) -> tuple[Metric, ...]:
    """Metrics by name or as they are; all of ``METRICS`` without a choice, with ``classifiers`` also those that train.

    Raises
    ------
    ConfigError
        A name is unknown, or ``classifiers`` is.
    """
    known = known_metrics(classifiers)
    if metrics is None:
        return tuple(known.values() if classifiers else METRICS.values())
    chosen = tuple(metrics)
    unknown = [name for name in chosen if isinstance(name, str) and name not in known]
    if unknown:
        raise ConfigError(f"metrics {', '.join(unknown)}: unknown, use one of {', '.join(known)}")
    return tuple(known[metric] if isinstance(metric, str) else metric for metric in chosen)
