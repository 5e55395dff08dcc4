"""Metrics on made-up showers: known answers, errors, baselines, order."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.errors import DataError
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.distances.chi2 import chi2_from_totals
from calosim_tf.physics.metrics.comparison import compare, make_baseline
from calosim_tf.physics.metrics.layer_shapes import layer_edges, voxel_spectrum_edges
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.metric import Measured, Metric, distance_from_ideal, entries_of, measure
from calosim_tf.physics.metrics.statistics import ratio_with_error

# A sample and its copy are worse than two samples of one law: no independent showers, too similar. An unbiased distance
# of equal samples is below 0.
NOT_IDEAL_FOR_COPIES = {
    *("mmd", "precision", "recall", "density", "coverage", "exact_copies", "nearest_training_ratio"),
    *("ssim_mc_gan_excess", "ssim_gan_gan_excess"),
}


def named(*names: str) -> list[Metric]:
    """These metrics of the list; all of them take a second."""
    return [METRICS[name] for name in names]


@pytest.fixture(scope="module")
def identical(reference):
    comparison = compare(reference, reference)
    return measure(METRICS.values(), comparison, make_baseline(comparison, reference))


@pytest.fixture(scope="module")
def scaled(generated):
    """Energy scale +2 %."""
    return replace(generated, showers_mev=generated.showers_mev * np.float32(1.02))


@pytest.fixture(scope="module")
def distorted(reference, scaled, make_showers):
    """The scaled showers against a reference with an independent control set."""
    comparison = compare(scaled, reference)
    return measure(METRICS.values(), comparison, make_baseline(comparison, make_showers(3)))


def test_identical_samples_reach_the_ideal_of_every_metric(identical):
    """Separations and differences 0, ratios 1; chi2 exactly 0. Breaks if the two samples are binned or cut
    differently.
    """
    for entries in (identical.overall, *identical.per_energy.values()):
        for name, entry in entries.items():
            ideal = 0.0 if name.startswith("chi2") else entry["ideal"]
            if ideal is not None and entry["value"] is not None and name not in NOT_IDEAL_FOR_COPIES:
                assert entry["value"] == pytest.approx(ideal, abs=1e-12), name


def test_every_metric_gives_numbers_overall_or_per_energy(identical):
    measured = {entry["metric"] for entry in identical.overall.values()}
    measured |= {entry["metric"] for entries in identical.per_energy.values() for entry in entries.values()}
    of_others = {
        name
        for name, metric in METRICS.items()
        if re.search("_[xy](_|$)", name) or metric.needs & {"calogan", "cubes", "lhcb", "jets"}
    }
    # per layer along x and y, CaloGAN, 3DGAN, LHCb, LAGAN
    assert len(of_others) == 8 + 2 + 5 + 14 + 2
    assert measured == set(METRICS) - of_others
    assert set(identical.left_out) == of_others
    assert list(identical.per_energy) == [1024.0, 4096.0, 16384.0]


def test_energy_scale_is_found(distorted):
    """+2 % in, 2 % out within 4 errors, in the response and in each layer's mean; errors are those of the numpy
    formula.
    """
    for entries in (distorted.overall, *distorted.per_energy.values()):
        ratio = entries["response_mean_ratio"]
        assert abs(ratio["value"] - 1.02) < 4 * ratio["error"] < 0.05
    layer = distorted.per_energy[16384.0]["layer_energy_mean_ratio_layer_2"]
    assert abs(layer["value"] - 1.02) < 4 * layer["error"]


def test_response_numbers_equal_numpy(reference, generated):
    """Mean, standard deviation, central 68 % and their errors (the bootstrap within 25 % of the normal law's
    formula).
    """
    comparison = compare(generated, reference)
    metrics = named("response_mean", "response_sigma", "response_sigma68", "response_sigma_ratio")
    entries = measure(metrics, comparison, make_baseline(comparison, reference)).per_energy[4096.0]
    rows = generated.incident_energy_mev == 4096
    response = generated.showers_mev[rows].sum(axis=1, dtype=float) / 4096
    assert entries["response_mean"]["value"] == pytest.approx(response.mean(), rel=1e-12)
    assert entries["response_mean"]["error"] == pytest.approx(response.std(ddof=1) / 80**0.5, rel=1e-9)
    assert entries["response_sigma"]["value"] == pytest.approx(response.std(), rel=1e-12)
    assert entries["response_sigma"]["error"] == pytest.approx(response.std() / 160**0.5, rel=0.25)
    low, high = np.quantile(response, (0.16, 0.84))
    assert entries["response_sigma68"]["value"] == pytest.approx((high - low) / 2, rel=1e-12)
    assert 0 < entries["response_sigma68"]["error"] < 0.3 * entries["response_sigma68"]["value"]
    reference_response = reference.showers_mev[rows].sum(axis=1, dtype=float) / 4096
    assert entries["response_sigma_ratio"]["value"] == pytest.approx(response.std() / reference_response.std())
    assert entries["response_mean"]["reference_value"] == pytest.approx(reference_response.mean())


def test_chi2_metric_is_the_selection_chi2(reference, generated):
    """Breaks if showers are summed in float32, thresholded, or left in MeV."""
    comparison = compare(generated, reference)
    results = measure([METRICS["chi2_ndf_total_energy"]], comparison, make_baseline(comparison, reference))
    pairs = [
        (showers.incident_energy_mev, [math.fsum(row) / 1000 for row in showers.showers_mev.tolist()])
        for showers in (reference, generated)
    ]
    table = chi2_from_totals(*pairs[0], *pairs[1])
    entry = results.overall["chi2_ndf_total_energy"]
    assert (entry["chi2"], entry["ndf"], entry["value"]) == (table.chi2, table.ndf, table.value)
    for row in table.rows:
        at_energy = results.per_energy[row.energy_mev]["chi2_ndf_total_energy"]
        assert (at_energy["chi2"], at_energy["ndf"], at_energy["n"]) == (row.chi2, row.ndf, 80)


def test_sets_of_several_blocks(reference):
    """Breaks if the block-wise sum misplaces or drops the rows of a later block."""
    tall = ShowerSet(
        np.tile(reference.incident_energy_mev, 12),
        np.tile(reference.showers_mev, (12, 1)),
        reference.detector,
        reference.source,
    )
    assert len(tall) > 2048  # more than one block
    table = compare(tall, reference).chi2
    assert table.chi2 == 0
    assert [row.n_generated for row in table.rows] == [960, 960, 960]


def test_separation_of_thresholded_response_equals_numpy(reference, generated):
    """Breaks if the 1 MeV threshold is dropped or the bins of a single energy are used for all."""
    comparison = compare(generated, reference)
    name = "separation_e_tot_over_e_inc"
    value = measure([METRICS[name]], comparison, make_baseline(comparison, reference)).overall[name]["value"]
    histograms = []
    for sample in (generated, reference):
        showers = sample.showers_mev.astype(float)
        showers[showers < 1.0] = 0
        counts = np.histogram(showers.sum(axis=1) / sample.incident_energy_mev, np.linspace(0.5, 1.5, 101))[0]
        histograms.append(counts / counts.sum())
    h1, h2 = histograms
    filled = h1 + h2 > 0
    assert value == pytest.approx(0.5 * np.sum((h1 - h2)[filled] ** 2 / (h1 + h2)[filled]), rel=1e-12)


def test_disjoint_samples_have_separation_one(reference):
    """All energy in layer 3 instead of shared out: the empty layers have nothing in common with the reference's."""
    showers = np.zeros_like(reference.showers_mev)
    showers[:, 358] = 0.3 * reference.incident_energy_mev
    comparison = compare(replace(reference, showers_mev=showers, source="one voxel"), reference)
    metrics = named("separation_e_tot_over_e_inc", "separation_layer_energy", "sparsity_mean_difference")
    results = measure(metrics, comparison, make_baseline(comparison, reference)).overall
    assert results["separation_e_tot_over_e_inc"]["value"] == pytest.approx(1)
    for layer_id in (0, 1, 2):
        assert results[f"separation_layer_energy_layer_{layer_id}"]["value"] == pytest.approx(1)
    assert results["sparsity_mean_difference_layer_2"]["value"] > 0


def test_mean_over_layers(make_showers):
    name = "separation_layer_energy"
    comparison = compare(make_showers(4), make_showers(5))
    entries = measure([METRICS[name]], comparison, make_baseline(comparison, None)).overall
    layers = [entries[f"{name}_layer_{layer_id}"] for layer_id in PHOTON.layer_ids]
    assert entries[name]["value"] == pytest.approx(np.mean([layer["value"] for layer in layers]))
    assert entries[name]["error"] == pytest.approx(np.sqrt(sum(layer["error"] ** 2 for layer in layers)) / 5)


def test_negative_voxels_are_reported(reference):
    """One voxel of each shower lowered to -1 MeV: fraction 1/368, and 1 MeV per shower would be added by clipping."""
    showers = reference.showers_mev.copy()
    showers[:, 367] = -1.0
    comparison = compare(replace(reference, showers_mev=showers), reference)
    metrics = named("negative_voxel_fraction", "energy_added_by_clipping")
    results = measure(metrics, comparison, make_baseline(comparison, reference)).overall
    assert results["negative_voxel_fraction"]["value"] == pytest.approx(1 / 368)
    expected = len(reference) / showers.sum(dtype=float)
    assert results["energy_added_by_clipping"]["value"] == pytest.approx(expected, rel=1e-5)
    assert results["energy_added_by_clipping"]["reference_vs_reference"] == 0


def test_error_of_a_ratio_by_hand():
    """Breaks if relative errors are not added in quadrature: 10 +- 1 over 4 +- 0.2 is 2.5 with 10 % and 5 %."""
    found = ratio_with_error(10.0, 1.0, 4.0, 0.2)
    assert (found.value, found.error) == pytest.approx((2.5, 2.5 * np.hypot(0.1, 0.05)))
    assert np.isnan(ratio_with_error(10.0, 1.0, 0.0, 0.2).value)


def test_bins_of_a_layer_energy_are_logarithmic(reference):
    """Breaks if the bins do not begin at the threshold and end at the reference's maximum."""
    comparison = compare(reference, reference)
    voxels = reference.showers_mev[:, PHOTON.layer_slices[2]].astype(float)
    largest = np.where(voxels < 1.0, 0.0, voxels).sum(axis=1).max()
    edges = layer_edges(comparison, "energy_thresholded", 2)
    np.testing.assert_allclose(edges, np.geomspace(1.0, largest, len(edges)), rtol=1e-5)
    widths = np.diff(layer_edges(comparison, "centre_eta", 2))
    np.testing.assert_allclose(widths, widths[0])


def test_bins_of_the_voxel_spectrum_end_at_the_hottest_voxel(reference):
    """Breaks if the bins end at the largest voxel of a weak shower, or all energies share those of the highest."""
    comparison = compare(reference, reference)
    for one, rows in ((comparison, slice(None)), (comparison.by_energy[0], reference.incident_energy_mev == 1024)):
        edges = voxel_spectrum_edges(one)
        np.testing.assert_allclose(edges, np.geomspace(1.0, reference.showers_mev[rows].max(), 50), rtol=1e-5)


def test_a_control_of_the_same_size_needs_no_second_value(distorted):
    """MC vs MC comes from the control set, not from the generated showers: close to the ideal although the latter
    is not.
    """
    entry = distorted.overall["response_mean_ratio"]
    assert "value_at_equal_n" not in entry
    assert abs(entry["reference_vs_reference"] - 1) < 4 * entry["reference_vs_reference_error"]
    assert entry["value"] - entry["reference_vs_reference"] > 0.01


def test_a_larger_control_is_cut_to_the_generated_number(reference, make_showers):
    generated, control = make_showers(6, per_energy=20), make_showers(7, per_energy=50)
    baseline = make_baseline(compare(generated, reference), control)
    assert len(baseline.comparison.generated) == len(generated)
    assert baseline.matched is None


def test_halves_of_the_reference_and_the_value_at_equal_numbers(reference, make_showers):
    """Without a control: two disjoint halves of all rows, as many at each energy, and the generated showers cut to
    that.
    """
    comparison = compare(make_showers(8), reference)
    baseline = make_baseline(comparison, None)
    first, second = baseline.comparison.generated, baseline.comparison.reference
    assert sorted([*first.rows, *second.rows]) == list(range(len(reference)))
    assert [len(places) for places in first.group_places] == [40, 40, 40]
    assert [len(places) for places in baseline.matched.generated.group_places] == [40, 40, 40]
    assert baseline.matched.reference is second
    assert "equal N" in baseline.note


def test_the_value_at_equal_numbers_stands_beside_that_of_all(reference, make_showers):
    """Breaks if a distance that falls with the number of showers has only Monte Carlo of another number beside it."""
    comparison = compare(make_showers(8), reference)
    count = Metric("showers", "1", lambda c, rng: {"": Measured(len(c.generated), 0.0)}, "Number.")
    once = replace(count, name="once", matched=False)
    capped = replace(count, name="capped", most=30)
    results = measure([count, once, capped], comparison, make_baseline(comparison, None))
    for entries, at_all, at_equal in ((results.overall, 240, 120), (results.per_energy[4096.0], 80, 40)):
        entry = entries["showers"]
        assert (entry["value"], entry["n"], entry["n_reference"]) == (at_all, at_all, at_all)
        assert (entry["value_at_equal_n"], entry["n_at_equal_n"]) == (at_equal, at_equal)
        assert entry["reference_vs_reference"] == at_equal
        assert "value_at_equal_n" not in entries["once"]
        assert "value_at_equal_n" not in entries["capped"]


def test_a_capped_sample_has_as_many_of_each_energy(reference):
    """Breaks if a metric of few showers sees the first ones of the file, or all of them."""
    sample = compare(reference, reference).reference
    assert sample.at_most(len(reference)) is sample
    assert [len(places) for places in sample.at_most(30).group_places] == [10, 10, 10]


def test_a_single_shower_cannot_be_halved(make_showers):
    one = make_showers(9, per_energy=1, energies=(1024.0,))
    with pytest.raises(DataError, match="cannot be halved"):
        make_baseline(compare(one, one), None)
    # one such energy among others is enough
    mixed = make_showers(9, per_energy=2, energies=(512.0, 1024.0)).take(np.arange(3))
    with pytest.raises(DataError, match="a single shower at an incident energy cannot be halved"):
        make_baseline(compare(mixed, mixed), None)


def test_same_input_same_errors(reference, scaled, distorted, make_showers):
    """Breaks if the bootstrap draws from a global or clock-seeded stream, or depends on the other metrics measured."""
    comparison = compare(scaled, reference)
    name = "separation_width_eta"
    alone = measure([METRICS[name]], comparison, make_baseline(comparison, make_showers(3))).overall
    assert alone[name] == distorted.overall[name]
    assert alone[name]["error"] > 0


def test_a_new_metric_joins_without_changes_elsewhere(reference):
    """The registry's promise: a function and its needs are all there is to it."""
    comparison = compare(reference, reference)
    count = Metric(
        "showers", "1", lambda c, rng: {"": Measured(len(c.generated), 0.0), "half": Measured(0.5, 0.0)}, "Number."
    )
    absent = replace(count, name="impossible", needs=frozenset({"a second detector"}))
    lines = replace(count, name="lines", needs=frozenset({"discrete_energies"}))
    results = measure([count, absent, lines], comparison, make_baseline(comparison, None))
    assert results.overall["lines"]["value"] == 240
    assert results.overall["showers"]["value"] == 240
    assert results.per_energy[4096.0]["showers_half"]["value"] == 0.5
    assert results.left_out == ("impossible",)


@pytest.mark.slow
def test_undefined_numbers_are_null_and_sort_last(reference):
    """No energy in layer 12 of either sample: the ratio of the means has no value (JSON has no NaN)."""
    showers = reference.showers_mev.copy()
    showers[:, 363:] = 0
    empty = replace(reference, showers_mev=showers)
    comparison = compare(empty, empty)
    entries = measure(METRICS.values(), comparison, make_baseline(comparison, None)).overall
    entry = entries["layer_energy_mean_ratio_layer_12"]
    assert entry["value"] is None
    assert distance_from_ideal(entry) == 0
    assert entries["separation_layer_energy_layer_12"]["value"] == 0


@pytest.mark.parametrize(
    ("value", "floor", "floor_error", "ideal", "expected"),
    [
        (3.0, 1.5, 0.1, 1.0, 4.0),
        (0.9, 1.0, 0.05, 1.0, 2.0),
        (0.02, 0.01, 0.001, 0.0, 2.0),
        (0.02, 0.01, None, 0.0, 2.0),
        (0.02, 0.0, None, 0.0, 0.0),
        (5.0, 1.0, 0.1, None, 0.0),
    ],
)
def test_distance_from_ideal_by_hand(value, floor, floor_error, ideal, expected):
    entry = {
        "value": value,
        "reference_vs_reference": floor,
        "reference_vs_reference_error": floor_error,
        "ideal": ideal,
    }
    assert distance_from_ideal(entry) == pytest.approx(expected)


@pytest.mark.slow
def test_continuous_energies_are_evaluated_in_ranges(make_showers):
    """Breaks if a range of a continuous set is cut again, or a sample of many energies cannot be compared."""
    rng = np.random.default_rng(10)
    sets = []
    for seed in (11, 12):
        template = make_showers(seed, per_energy=100)
        incident = np.exp(rng.uniform(np.log(1000), np.log(64_000), len(template)))
        scale = (incident / template.incident_energy_mev)[:, None]
        sets.append(ShowerSet(incident, template.showers_mev * scale, PHOTON, "continuous"))
    comparison = compare(*sets)
    assert "discrete_energies" not in comparison.provides
    results = measure(METRICS.values(), comparison, make_baseline(comparison, None))
    assert len(results.per_energy) == 8
    total = sum(entries["chi2_ndf_total_energy"]["chi2"] for entries in results.per_energy.values())
    assert results.overall["chi2_ndf_total_energy"]["chi2"] == pytest.approx(total)
    assert sum(entries["response_mean"]["n"] for entries in results.per_energy.values()) == 300


@pytest.mark.parametrize("networks", [False, True])
def test_monte_carlo_is_measured_beside_the_comparison_unless_networks_run(reference, generated, networks):
    """Breaks when one of the two waits for the other, or when two trainings share the seeds of the process."""
    barrier, threads = threading.Barrier(2), []

    def meet(comparison, rng):
        threads.append(threading.get_ident())
        if not networks:
            barrier.wait(timeout=20)
        return {"": Measured(rng.random(), 0.0)}

    metric = Metric("own", "1", meet, "own", scopes=("overall",), matched=False, networks=networks)
    comparison = compare(generated, reference)
    entry = measure([metric], comparison, make_baseline(comparison, None)).overall["own"]
    assert len(threads) == 2
    assert (len(set(threads)) == 1) is networks
    # which thread measures does not choose the random numbers
    alone = entries_of(
        replace(metric, networks=True, function=lambda _, rng: {"": Measured(rng.random(), 0.0)}),
        comparison,
        make_baseline(comparison, None).comparison,
        None,
    )["own"]
    assert (entry["value"], entry["reference_vs_reference"]) == (alone["value"], alone["reference_vs_reference"])


def test_empty_showers_are_counted(reference):
    """A quarter of the showers emptied: their share and the reference's own; breaks if a negative total is no zero."""
    showers = reference.showers_mev.copy()
    half = len(showers) // 4
    showers[:half] = 0.0
    showers[0, 0] = -1.0
    comparison = compare(replace(reference, showers_mev=showers), reference)
    found = measure([METRICS["empty_shower_fraction"]], comparison, make_baseline(comparison, reference)).overall
    entry = found["empty_shower_fraction"]
    share = half / len(showers)
    assert entry["value"] == pytest.approx(share)
    assert entry["error"] == pytest.approx(np.sqrt(share * (1 - share) / len(showers)), rel=0.01)
    assert entry["reference_value"] == 0.0
