"""CaloGAN's shower shapes as metrics of a small comparison."""

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.metrics.calogan import CALOGAN_METRICS, variable_edges
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.metric import measure
from calosim_tf.physics.papers.calogan_variables import calogan_variables

CALOGAN = get_detector("calogan")
SEPARATION, RATIO = CALOGAN_METRICS


def made_up(seed, front=1.0, n=300):
    """Showers with gamma-distributed cells, the first layer scaled by ``front``."""
    rng = np.random.default_rng(seed)
    energy = np.tile([1e4, 5e4], n // 2)
    showers = rng.gamma(0.3, 1.0, (n, 504)) * energy[:, None] / 150
    showers[:, :288] *= front
    return ShowerSet(energy, showers, CALOGAN, f"made-up {seed}", np.tile(CALOGAN.central, (n, 1)))


def measured(metric, generated, reference):
    return metric.function(compare(generated, reference), np.random.default_rng(0))


def test_equal_showers_separate_nothing():
    """Breaks when two equal samples differ, or a variable is left out."""
    reference = made_up(1)
    separation, ratio = (measured(metric, made_up(1), reference) for metric in CALOGAN_METRICS)
    names = set(calogan_variables(reference.showers_mev))
    assert set(separation) == names | {""}
    assert set(ratio) == names
    assert {item.value for item in separation.values()} == {0.0}
    defined = {name: item.value for name, item in ratio.items()}
    assert defined == dict.fromkeys(names, 1.0)


def test_a_wrong_first_layer_is_seen_where_it_shows():
    """Breaks when a variable is compared with another one, or showers beyond the reference's range drop out."""
    generated, reference = made_up(2, front=3.0), made_up(1)
    separation, ratio = (measured(metric, generated, reference) for metric in CALOGAN_METRICS)
    assert separation["fraction_0"].value > 0.9
    assert separation["lateral_width_1_mm"].value < 0.2
    assert ratio["energy_0_mev"].value == pytest.approx(3.0, abs=5 * ratio["energy_0_mev"].error)
    assert ratio["e_ratio_0"].value == pytest.approx(1.0, abs=5 * ratio["e_ratio_0"].error)
    mean = np.mean([item.value for name, item in separation.items() if name])
    assert separation[""].value == pytest.approx(mean)
    assert 0 < separation["fraction_0"].error < 0.1


def test_bins_have_open_ends():
    """Breaks when a generated shower outside of the reference's range is not counted."""
    edges = variable_edges("energy_0_mev", np.array([0.0, 10.0]))
    assert len(edges) == 51
    assert np.histogram([-5.0, 1e9], edges)[0][[0, -1]].tolist() == [1, 1]
    assert np.histogram([0, 1, 2, 2], variable_edges("deepest_layer", np.arange(3)))[0].tolist() == [1, 1, 2]


def test_entries_stand_beside_real_against_real():
    """Breaks when a half of the reference, or one energy, cannot be measured."""
    comparison = compare(made_up(2), made_up(1))
    metrics = [replace(metric, needs=frozenset()) for metric in CALOGAN_METRICS]
    results = measure(metrics, comparison, make_baseline(comparison, None))
    for entries in (results.overall, results.per_energy[1e4]):
        entry = entries["separation_calogan_shower_depth"]
        assert 0 < entry["reference_vs_reference"] < 0.5
        assert entries["calogan_mean_ratio_total_mev"]["value"] == pytest.approx(1.0, abs=0.1)


def test_other_detectors_are_left_out():
    """Breaks when the metrics run on showers of another shape."""
    lhcb = get_detector("lhcb")
    energy = np.tile([1e4, 5e4], 10)
    showers = ShowerSet(energy, np.ones((20, 900)), lhcb, "flat", lhcb.central_attributes(energy))
    comparison = compare(showers, showers)
    results = measure(CALOGAN_METRICS, comparison, make_baseline(comparison, None))
    assert results.left_out == ("separation_calogan", "calogan_mean_ratio")
    assert results.overall == {}
