"""Which metrics run where nobody names them."""

from __future__ import annotations

import pytest

from calosim_tf.physics.metrics.listed import CLASSIFIER_METRICS, METRICS, chosen_metrics


@pytest.mark.parametrize("mode", ["fast", "full"])
def test_metrics_that_train_run_on_request_alone(mode):
    """Breaks when a full list trains networks unasked, or leaves them out although asked for."""
    plain, asked = chosen_metrics(None), chosen_metrics(None, mode)
    assert plain == tuple(METRICS.values())
    assert not any(metric.networks for metric in plain)
    assert asked[: len(plain)] == plain
    trained = asked[len(plain) :]
    assert all(metric.networks for metric in trained)
    assert {metric.name for metric in trained} >= CLASSIFIER_METRICS
    assert len(CLASSIFIER_METRICS) == 6


def test_classifiers_are_not_trained_once_more_at_equal_numbers():
    """Breaks when the minutes of a full evaluation double."""
    assert not any(metric.matched for metric in chosen_metrics(CLASSIFIER_METRICS))
