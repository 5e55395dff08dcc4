"""Similarity, support size, copies and memorisation of samples that are damaged in a known way."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.distances import ssim
from calosim_tf.physics.distances.shower_similarity import (
    dynamic_range_mev,
    partner_rows,
    picture_groups,
    shower_similarity,
)
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.diversity import energy_distances, ssim_distances
from calosim_tf.physics.metrics.listed import METRICS


@pytest.fixture(scope="module")
def samples(make_showers):
    """750 showers each: reference, another of the same law, and the first 90 of the latter repeated."""
    reference, fresh = make_showers(1, per_energy=250), make_showers(2, per_energy=250)
    few = np.arange(750) % 90
    return reference, fresh, replace(fresh.take(few), source="90 showers")


def value(name: str, comparison):
    return METRICS[name].function(comparison, np.random.default_rng(1))[""]


def test_a_collapsed_generator_is_seen_by_similarity_and_support(samples):
    """Breaks if pairs of a shower with itself count, the rule is calibrated on the generated sample, or the ratio is
    inverted.
    """
    reference, fresh, collapsed = samples
    for name in ("birthday_support_energy", "birthday_support_ssim"):
        same, few = (value(name, compare(showers, reference)) for showers in (fresh, collapsed))
        assert abs(same.value - 1) < 4 * same.error
        assert few.value < 0.5
        assert few.value < 1 - 4 * few.error
    same, few = (value("ssim_gan_gan_excess", compare(showers, reference)) for showers in (fresh, collapsed))
    assert abs(same.value) < 4 * same.error
    assert few.value > 0
    assert value("exact_copies", compare(fresh, reference)).value == 0
    assert value("exact_copies", compare(collapsed, reference)).value == 1


def test_learning_by_heart_is_found_with_and_without_the_training_sample(samples, make_showers):
    """Copies of training showers with a change of 0.1 %: found by distance, not by equality."""
    reference, fresh, _ = samples
    training = make_showers(3, per_energy=250)
    noise = 1 + 1e-3 * np.random.default_rng(4).normal(size=training.showers_mev.shape)
    learnt = replace(training, showers_mev=(training.showers_mev * noise).astype(np.float32))
    assert value("nearest_training_ratio", compare(learnt, reference, training)).value < 0.1
    honest = value("nearest_training_ratio", compare(fresh, reference, training))
    assert abs(honest.value - 1) < 4 * honest.error
    assert value("exact_copies", compare(learnt, reference, training)).value == 0
    # the reference itself memorised: half of the copies are of the half that stands for training showers
    below = value("nearest_training_below", compare(replace(reference, source="copies"), reference))
    assert below.value == pytest.approx(0.5, abs=0.02)
    refused = value("nearest_training_ratio", compare(fresh, reference, reference))
    assert "100.0 % of the reference showers are training showers" in refused.reason


def test_empty_showers_are_no_copies_of_each_other(make_showers):
    """Breaks if a sample of pions, a fifth of them empty, is taken for its own training sample."""
    reference, fresh, training = (make_showers(seed, per_energy=250) for seed in (1, 2, 3))
    for sample in (reference, fresh, training):
        sample.showers_mev[::5] = 0.0
    found = value("nearest_training_ratio", compare(fresh, reference, training))
    assert abs(found.value - 1) < 4 * found.error
    nothing = replace(fresh, showers_mev=np.zeros_like(fresh.showers_mev))
    assert "empty" in value("nearest_training_ratio", compare(nothing, reference, training)).reason


def test_which_layers_are_pictures():
    """Breaks if a window that does not fit is used, or a layer of one angular bin counts."""
    photon = picture_groups(get_detector("photon"))
    assert photon == {((10, 16), 1.0): [1], ((10, 19), 1.0): [2]}
    assert picture_groups(get_detector("calogan")) == {((12, 12), 1.5): [1], ((12, 6), 0.5): [2]}
    assert [len(ids) for ids in picture_groups(get_detector("clic")).values()] == [25]


def test_similarity_of_photon_pairs_equals_scikit_image(samples):
    """Breaks if layers are weighted otherwise, or a smaller window is not that of scikit-image."""
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed (extra: eval)")
    reference, fresh, _ = samples
    detector = reference.detector
    first, second = reference.showers_mev[:4].astype(float), fresh.showers_mev[:4].astype(float)
    expected = [
        np.mean(
            [
                metrics.structural_similarity(
                    detector.layer_image(first[i : i + 1], layer)[0],
                    detector.layer_image(second[i : i + 1], layer)[0],
                    data_range=1.0,
                    gaussian_weights=True,
                    sigma=1.0,
                    use_sample_covariance=False,
                )
                for layer in (1, 2)
            ]
        )
        for i in range(4)
    ]
    np.testing.assert_allclose(shower_similarity(first, second, detector), expected, atol=1e-9)


def test_energy_distance_by_hand():
    """Breaks if energies are compared in MeV: showers of high energy would then be far apart whatever they look like.

    Shares of layers 0 and 2 are 0.5 and 0 against 0 and 0.5, so the distance is sqrt(0.5) at any energy.
    """
    showers = np.zeros((4, 368))
    showers[[0, 1], 0] = 500.0, 5000.0
    showers[[2, 3], 168] = 500.0, 5000.0
    sets = ShowerSet(np.array([1e3, 1e4, 1e3, 1e4]), showers, get_detector("photon"), "by hand")
    found = energy_distances(compare(sets, sets).generated)
    assert found.pairs.tolist() == [[0, 2], [1, 3]]
    assert found.distance == pytest.approx([0.5**0.5, 0.5**0.5])


def test_random_pairs_are_of_one_energy_and_never_of_a_shower_with_itself(samples):
    """Breaks if pairs across energies, or copies, make a generator look more varied or less."""
    comparison = compare(samples[1], samples[0])
    rng = np.random.default_rng(0)
    first, second = partner_rows(comparison.reference, comparison.reference, 60, rng)
    assert len(first) == 60
    assert (first != second).all()
    assert sorted(first) == sorted(second)
    assert len(set(first)) == 60
    energy = samples[0].incident_energy_mev
    assert (energy[first] == energy[second]).all()
    made, real = partner_rows(comparison.generated, comparison.reference, 60, rng)
    assert (samples[1].incident_energy_mev[made] == energy[real]).all()


def test_the_range_of_the_similarity_is_published_for_3dgan_alone():
    """Breaks if 1e-4 GeV is converted wrongly; it is 0.1 MeV."""
    assert dynamic_range_mev(get_detector("clic")) == pytest.approx(0.1)
    assert dynamic_range_mev(get_detector("photon")) == 1.0


def test_pairs_within_a_sample_are_those_of_one_energy(samples, monkeypatch):
    """Breaks if a chunk of the pairs is lost, pairs of two energies are compared, or filtering once changes a value."""
    sample = compare(samples[1], samples[0]).reference.take(np.arange(30))
    monkeypatch.setattr(ssim, "CHUNK_CELLS", 1200)
    found = ssim_distances(sample)
    first, second = found.pairs.T
    assert len(found.pairs) == 3 * 45
    assert (sample.incident_mev[first] == sample.incident_mev[second]).all()
    showers = sample.voxels_mev()
    expected = 1 - shower_similarity(showers[first], showers[second], sample.showers.detector)
    np.testing.assert_allclose(found.distance, expected, atol=1e-12)
