"""Scores of made-up LHCb showers: where each number is found, and what it reacts to."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from calosim_tf.checks.lhcb import score_table
from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import get_detector
from calosim_tf.physics.distances.prd import prd, prd_auc
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.lhcb import LHCB_METRICS, lhcb_metrics, scores_of
from calosim_tf.physics.metrics.metric import measure
from calosim_tf.physics.papers.lhcb_scores import ScoreSettings
from calosim_tf.physics.papers.lhcb_statistics import shower_statistics

SETTINGS = ScoreSettings(n_clusters=10, n_runs=2, statistics=("width_across", "sparsity_7.8e-04"))
LHCB = get_detector("lhcb")


def made_up(n: int, seed: int, radius_cells: float = 1.5) -> ShowerSet:
    """Showers that fall off with ``radius_cells`` around the point where the particle should be."""
    rng = np.random.default_rng(seed)
    pz = np.exp(rng.uniform(0, np.log(100), size=n))
    slope = rng.normal(0, 0.175, size=(n, 2))
    point = rng.uniform(-1, 1, size=(n, 2)) - 15 * slope
    cells = np.arange(30) - 14.5
    centre = (point + 12.8 * slope) / 2.02
    x, y = (cells[None, :] - centre[:, [i]] for i in (0, 1))
    image = np.exp(-np.hypot(x[:, None, :], y[:, :, None]) / radius_cells)
    image *= (160 * pz / image.sum(axis=(1, 2)))[:, None, None]
    images = rng.gamma(2 * image + 1e-4, 0.5)
    momentum_gev = np.column_stack([slope * pz[:, None], pz])
    energy_mev = 1e3 * np.linalg.norm(momentum_gev, axis=1)
    attributes = np.column_stack([momentum_gev, point])
    return ShowerSet(energy_mev, images.reshape(n, -1), LHCB, f"sample {seed}", attributes)


@pytest.fixture(scope="module")
def table() -> dict[str, dict]:
    """A good model, one that is too wide, and one with a hot corner in every fourth shower."""
    outliers = made_up(150, 4)
    outliers.showers_mev[::4, 0] = 0.1 * outliers.showers_mev[::4].sum(axis=1) + 5
    models = {"good": made_up(150, 3), "wide": made_up(170, 5, radius_cells=2.5), "outliers": outliers}
    return score_table(made_up(150, 1), models, made_up(150, 2), SETTINGS)


def test_document_survives_json(table):
    """Breaks if a number is not finite or not a Python number: metrics.json could not be written."""
    assert json.loads(json.dumps(table, allow_nan=False)) == json.loads(json.dumps(table))
    assert set(table) == {"good", "wide", "outliers"}
    scores = [document["metrics"]["prd_auc_physics_geometric"]["value"] for document in table.values()]
    assert scores == sorted(scores, reverse=True)
    assert table["wide"]["generated"] == "sample 5"
    assert table["wide"]["reference"] == "sample 1"
    assert table["wide"]["control"] == "sample 2"


def test_all_are_measured_at_one_size(table):
    """Breaks if a model with more showers gets more of them, which raises its score."""
    for document in table.values():
        assert document["n"] == 150
        assert document["settings"]["n_clusters"] == 10
        assert {entry["n"] for entry in document["metrics"].values()} == {150}


def test_real_against_real_is_the_same_beside_each_model(table):
    """Breaks if the yardstick is measured with other showers or settings for another model."""
    for name, entry in table["good"]["metrics"].items():
        assert table["wide"]["metrics"][name]["reference_vs_reference"] == entry["reference_vs_reference"]


def test_names_are_complete(table):
    """Breaks if a score is lost."""
    scores = {"raw", "physics", "physics_geometric", "final", "final_geometric"}
    scores |= {"width_across", "width_across_geometric", "sparsity_7.8e-04"}
    neighbours = {f"{name}{end}" for name in ("precision", "recall", "density", "coverage") for end in ("", "_physics")}
    expected = {f"prd_auc_{name}" for name in scores} | neighbours | {"isolated_cell_rate"}
    assert set(table["good"]["metrics"]) == expected


def test_physics_score_is_the_prd_of_the_statistics():
    """Breaks if the statistics are scaled in the authors' mode, or samples are exchanged."""
    reference, evaluated, control = made_up(60, 1), made_up(60, 3, radius_cells=1.8), made_up(60, 2)
    metrics = score_table(reference, {"made": evaluated}, control, SETTINGS)["made"]["metrics"]
    statistics = [
        shower_statistics(LHCB.layer_image(s.showers_mev, 0), s.attributes[:, :3], s.attributes[:, 3:])
        for s in (reference, evaluated, control)
    ]
    for key, pair in (("value", statistics[:2]), ("reference_vs_reference", statistics[::2])):
        assert metrics["prd_auc_physics"][key] == prd(*pair, n_clusters=10, n_runs=2).auc


def test_final_is_the_smaller_of_the_two(table):
    """Breaks if the final score is the larger one or takes the other mode."""
    for document in table.values():
        metrics = document["metrics"]
        for final, physics in (("final", "physics"), ("final_geometric", "physics_geometric")):
            for key in ("value", "reference_vs_reference"):
                pair = (metrics["prd_auc_raw"][key], metrics[f"prd_auc_{physics}"][key])
                assert metrics[f"prd_auc_{final}"][key] == min(pair)
            entry = metrics[f"prd_auc_{final}"]
            assert entry["error"] == metrics[entry["limited_by"]]["error"]


def test_wide_showers_lose_width_and_sparsity(table):
    """Breaks if a score does not see what it is named after."""
    good, wide = (table[name]["metrics"] for name in ("good", "wide"))
    for name in ("prd_auc_width_across_geometric", "prd_auc_sparsity_7.8e-04", "prd_auc_physics_geometric"):
        assert wide[name]["value"] < good[name]["value"] - 0.3
        assert good[name]["value"] > good[name]["reference_vs_reference"] - 0.15
    assert wide["coverage_physics"]["value"] < 0.5 < good["coverage_physics"]["value"]


def test_outliers_are_counted(table):
    """Breaks if the rate of the generated and of the real showers are exchanged."""
    entry = table["outliers"]["metrics"]["isolated_cell_rate"]
    assert entry["value"] == pytest.approx(38 / 150)
    assert entry["low"] < entry["value"] < entry["high"]
    assert entry["reference_value"] == 0.0
    assert entry["reference_vs_reference"] == 0.0
    assert 0 < entry["reference_value_error"] < 0.01


def test_curves_belong_to_the_scores(table):
    """Breaks if the curves to draw are those of another space."""
    curves = table["wide"]["curves"]
    for space, pair in curves.items():
        for which, key in (("generated", "value"), ("reference_vs_reference", "reference_vs_reference")):
            area = prd_auc(*(np.array(pair[which][axis]) for axis in ("precision", "recall")))
            assert area == pytest.approx(table["wide"]["metrics"][f"prd_auc_{space}"][key], abs=2e-3)


def test_single_run_has_no_spread():
    """Breaks if NaN reaches the file."""
    settings = ScoreSettings(n_clusters=5, n_runs=1, statistics=())
    entry = score_table(made_up(40, 1), {"made": made_up(50, 3)}, made_up(50, 2), settings)["made"]["metrics"]
    assert entry["prd_auc_raw"]["run_spread"] is None
    assert entry["prd_auc_raw"]["n"] == 40


def test_bad_settings_are_named():
    """Breaks if too small samples, or unknown statistics, end in a traceback."""
    reference, made, control = made_up(20, 1), {"made": made_up(20, 3)}, made_up(20, 2)
    with pytest.raises(DataError, match="prd_auc_raw: needs 100 showers of each kind, found 20"):
        score_table(reference, made, control, ScoreSettings())
    with pytest.raises(DataError, match="'girth' is unknown"):
        score_table(reference, made, control, ScoreSettings(n_clusters=5, statistics=("girth",)))


@pytest.mark.slow
def test_the_list_measures_what_compare_measures(table):
    """Breaks if `evaluate` and `calosim compare` give one generator two scores."""
    good = table["good"]["metrics"]
    comparison = compare(made_up(150, 3), made_up(150, 1))
    listed = measure(lhcb_metrics(SETTINGS), comparison, make_baseline(comparison, None)).overall
    for name in ("prd_auc_final", "prd_auc_width_across_geometric", "coverage_physics", "isolated_cell_rate"):
        assert listed[name]["value"] == good[name]["value"]
    assert listed["density_raw"]["value"] == good["density"]["value"]
    # a half of the reference against the other
    assert listed["prd_auc_raw"]["reference_vs_reference"] != good["prd_auc_raw"]["reference_vs_reference"]
    assert listed["prd_auc_raw"]["value_at_equal_n"] != listed["prd_auc_raw"]["value"]


def test_the_pitch_of_the_cells_is_that_of_the_detector(monkeypatch):
    """Breaks when millimetres are taken for centimetres."""
    found = []
    monkeypatch.setattr(
        "calosim_tf.physics.metrics.lhcb.lhcb_scores", lambda reference, made, settings: found.append(settings.cell_cm)
    )
    scores_of(compare(made_up(20, 3), made_up(20, 1)), SETTINGS)
    assert found == [pytest.approx(2.02, rel=0.01)]


def test_ideal_scores():
    """Breaks when a score of 1 is not the best; the rate of isolated cells is that of the reference."""
    assert {metric.name: metric.ideal for metric in LHCB_METRICS if metric.ideal != 1.0} == {"isolated_cell_rate": None}


@pytest.mark.slow
def test_without_scikit_learn_the_list_says_so(monkeypatch):
    """Breaks if `evaluate` of LHCb showers ends where an extra is missing."""
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    comparison = compare(made_up(120, 3), made_up(120, 1))
    entries = measure(LHCB_METRICS, comparison, make_baseline(comparison, made_up(120, 2))).overall
    assert {entry["value"] for entry in entries.values()} == {None}
    assert "scikit-learn" in entries["prd_auc_raw"]["reason"]
