"""Metrics that run networks: what they are shown, and what is made of it."""

from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.physics.distances import classifier
from calosim_tf.physics.distances.classifier import NetworkSettings, TrainedNetwork, train_network
from calosim_tf.physics.metrics import classifiers, network_features
from calosim_tf.physics.metrics.classifiers import ClassifierSettings, classify
from calosim_tf.physics.metrics.likelihood import likelihood_metric
from calosim_tf.physics.metrics.network_features import EnergyNetwork


class Rows(list):
    """A sample of these numbers of showers."""

    @property
    def rows(self):
        return np.array(self)

    def take(self, places):
        return Rows(self[place] for place in places)

    def at_most(self, most):
        return Rows(self[:most])


def test_the_likelihood_of_both_samples_has_its_error(monkeypatch):
    """Breaks when the samples are exchanged, or the error is the spread of single showers."""
    monkeypatch.setattr("calosim_tf.physics.metrics.likelihood.MOST_SHOWERS", 4)
    metric = likelihood_metric(lambda sample: 2.0 * sample.rows)
    comparison = SimpleNamespace(generated=Rows([1, 3, 5, 7, 99]), reference=Rows([2, 2, 6]))
    (found,) = metric.function(comparison, None).values()
    # by hand: squares of the distances are 36 + 4 + 4 + 36 and 3 x (16/9, 16/9, 64/9)
    assert (found.value, found.error) == pytest.approx((8.0, np.sqrt(80 / 3 / 4)))
    assert (found.reference_value, found.extra["reference_error"]) == pytest.approx((20 / 3, np.sqrt(128 / 3 / 2 / 3)))


def test_showers_that_the_network_learnt_are_not_shown_to_it(monkeypatch):
    """Breaks when they are left in their own set, or showers of the same numbers are left out of another set."""
    monkeypatch.setattr(network_features, "_inputs", lambda sample, most: sample.rows[:, np.newaxis].astype("f8"))
    trained = SimpleNamespace(logits=lambda inputs: np.log(inputs), features=lambda inputs: -inputs)
    network = EnergyNetwork(trained, np.array([2, 4]))
    features, probabilities = network.shown(Rows([1, 2, 3, 4]), same_set=True)
    np.testing.assert_array_equal(features, [[-1.0], [-3.0]])
    # two classes have one logit, that of the second
    np.testing.assert_allclose(probabilities, [[0.5, 0.5], [0.25, 0.75]])
    features, _ = network.shown(Rows([1, 2, 3, 4]), same_set=False)
    assert len(features) == 4


def test_numbers_of_a_network_are_those_of_its_parts(monkeypatch):
    """Breaks when a part is lost, or features are logits."""
    monkeypatch.setattr(classifier, "PREDICTED_AT_ONCE", 3)
    network = TrainedNetwork(*(lambda values, training, by=by: tf.constant(by * values) for by in (2.0, 3.0)))
    inputs = np.arange(7.0)[:, np.newaxis]
    np.testing.assert_array_equal(network.logits(inputs), 2.0 * inputs)
    np.testing.assert_array_equal(network.features(inputs), 3.0 * inputs)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_best_epoch_is_kept(monkeypatch, classes):
    """Breaks when a classifier learns nothing, or the last epoch is scored though an earlier one was better."""
    monkeypatch.setattr("tensorflow.function", lambda **options: lambda function: function)
    rng = np.random.default_rng(4)
    labels = np.arange(30) % classes
    inputs = np.stack([labels == 1, labels == 2], axis=1) + rng.normal(0.0, 0.1, (30, 2))

    def trained(epochs, selection):
        settings = NetworkSettings((6, 5), epochs, 10, 0.1)
        return train_network(inputs, labels, (inputs, selection), settings, seed=3)

    learnt = trained(5, labels).logits(inputs)
    assert learnt.shape == (30, 1 if classes == 2 else 3)
    chosen = learnt[:, 0] > 0 if classes == 2 else learnt.argmax(axis=1)
    assert (chosen == labels).mean() > 0.95
    # where learning makes it worse, the first epoch stays
    wrong = (labels + 1) % classes
    first, last = (trained(epochs, wrong).logits(inputs) for epochs in (1, 3))
    np.testing.assert_array_equal(first, last)


@pytest.mark.parametrize(("told_apart", "auc"), [(True, 1.0), (False, 0.5)])
def test_no_shower_is_scored_by_a_classifier_that_has_seen_it(monkeypatch, told_apart, auc):
    """Breaks when scored showers were trained on or calibrated by, a sample has the other's label, or is the larger."""
    # generated showers are numbered from 0, those of the reference from 1000
    monkeypatch.setitem(
        classifiers.INPUTS, "numbers", (lambda sample: sample.rows[:, np.newaxis].astype("f8"), "numbers")
    )
    trained, asked = [], []

    def logits(inputs):
        asked.append(inputs)
        return np.where(inputs >= 1000, 1.0, -1.0) * told_apart

    def train(inputs, labels, selection, settings, seed, label):
        trained.append((inputs, labels, selection, seed))
        return SimpleNamespace(logits=logits)

    monkeypatch.setattr(classifier, "train_network", train)
    samples = Rows(range(130)), Rows(range(1000, 1121))
    samples[1].showers = SimpleNamespace(detector=SimpleNamespace(n_voxels=1))
    settings = ClassifierSettings("ours", 2, (3,), 1, 10, 0.1)
    found = classify(SimpleNamespace(generated=samples[0], reference=samples[1]), "numbers", settings)
    assert found.sizes == (80, 20, 21)
    assert [score.auc for score in found.scores] == pytest.approx([auc, auc])
    for place, (inputs, labels, selection, _) in enumerate(trained):
        chosen, scored = asked[2 * place : 2 * place + 2]
        np.testing.assert_array_equal(chosen, selection[0])
        for numbers, is_reference in ((inputs, labels), selection):
            np.testing.assert_array_equal(numbers[:, 0] >= 1000, is_reference == 1)
        parts = [set(part[:, 0]) for part in (inputs, chosen, scored)]
        assert [len(part) for part in parts] == [160, 40, 42]
        assert len(set.union(*parts)) == 2 * 121
    # another split and other initial weights in each training
    assert trained[0][3] != trained[1][3]
    assert set(asked[1][:, 0]) != set(asked[3][:, 0])
