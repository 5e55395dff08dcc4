"""Calibration, AUC and JSD against scikit-learn and closed forms; the classifier itself on known samples."""

from __future__ import annotations

import math

import numpy as np
import pytest

from calosim_tf.physics.distances.classifier_scores import Calibration, auc, auc_error, classifier_score


@pytest.fixture(scope="module")
def scored() -> tuple[np.ndarray, np.ndarray]:
    """Scores with ties, higher for the reference."""
    rng = np.random.default_rng(1)
    positive = rng.random(4_000) < 0.5
    return np.round(rng.normal(np.where(positive, 0.4, 0.0), 1.0), 2), positive


def test_auc_calibration_and_jsd_equal_scikit_learn(scored):
    """Breaks if ties count wholly, the calibration is not isotonic, or the loss has another base."""
    isotonic = pytest.importorskip("sklearn.isotonic", reason="scikit-learn is not installed (extra: eval)")
    from sklearn.metrics import log_loss, roc_auc_score

    score, positive = scored
    assert auc(score, positive) == pytest.approx(roc_auc_score(positive, score), rel=1e-12)
    half = np.arange(len(score)) < 2_000
    reference = isotonic.IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1).fit(score[half], positive[half])
    calibrated = Calibration.fit(score[half], positive[half])(score[~half])
    np.testing.assert_allclose(calibrated, reference.predict(score[~half]), atol=1e-6)
    inner = np.clip(calibrated, 1e-3, 1 - 1e-3)
    expected = 1 - log_loss(positive[~half], inner) / math.log(2)
    assert classifier_score(inner, positive[~half]).jsd == pytest.approx(expected, rel=1e-9)


def test_auc_of_shifted_gaussians_is_the_closed_form(scored):
    """Phi(shift / sqrt 2), and the error is that of Hanley and McNeil for it."""
    score, positive = scored
    expected = 0.5 * (1 + math.erf(0.4 / 2))
    error = auc_error(expected, int(positive.sum()), int((~positive).sum()))
    assert abs(auc(score, positive) - expected) < 4 * error
    assert error == pytest.approx(0.0090, rel=0.05)


def test_error_of_an_auc_by_hand():
    """Breaks if the numbers of both classes are exchanged: AUC 0.8 of 10 against 20, so Q1 = 2/3 and Q2 = 32/45."""
    variance = (0.16 + 9 * (2 / 3 - 0.64) + 19 * (32 / 45 - 0.64)) / (10 * 20)
    assert auc_error(0.8, 10, 20) == pytest.approx(math.sqrt(variance), rel=1e-12)
    # nothing learnt, 50 of each: Q1 = Q2 = 1/3
    score = classifier_score(np.full(100, 0.5), np.repeat([False, True], 50))
    assert score.auc_error == pytest.approx(math.sqrt((0.25 + 98 / 12) / 2500), rel=1e-12)


def test_known_probabilities():
    """Nothing learnt: 0.5 and 0; everything: 1 and 1; certain and wrong: a loss of 100 nats as in the challenge."""
    positive = np.repeat([False, True], 50)
    nothing = classifier_score(np.full(100, 0.5), positive)
    assert (nothing.auc, nothing.jsd) == pytest.approx((0.5, 0.0))
    everything = classifier_score(positive.astype(float), positive)
    assert (everything.auc, everything.jsd) == pytest.approx((1.0, 1.0))
    wrong = positive.astype(float)
    wrong[0] = 1.0
    assert classifier_score(wrong, positive).jsd == pytest.approx(1 - 1.0 / math.log(2))


def test_error_of_the_separation_by_hand():
    """Breaks when the error is not that of the mean loss, in units of ln 2."""
    probability, positive = np.full(8, 0.25), np.repeat([False, True], 4)
    # losses -ln 0.75 of four showers and -ln 0.25 of the other four; the standard deviation of two values is half of
    # their difference ln 3, times sqrt(8 / 7)
    expected = 0.5 * math.log(3) * math.sqrt(8 / 7) / math.sqrt(8) / math.log(2)
    assert classifier_score(probability, positive).jsd_error == pytest.approx(expected, rel=1e-12)
