"""What is drawn, read back from the axes."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.distances.histograms import LAYER_ENERGY_BINS, log_edges
from calosim_tf.physics.metrics.comparison import compare
from calosim_tf.physics.metrics.metric import Results
from calosim_tf.plots.energies import display_range, energy_label, plot_energy_grid, plot_response
from calosim_tf.plots.gallery import PICTURES, Scene, draw_all
from calosim_tf.plots.panels import histogram_of_groups, histogram_of_values
from calosim_tf.plots.showers import log_radius, plot_mean_shower
from calosim_tf.plots.spectra import plot_layer_energies, plot_moments, plot_voxel_spectrum
from calosim_tf.plots.style import plot_style
from calosim_tf.plots.training import plot_losses, plot_selection
from calosim_tf.report.run_tables import HISTORY_COLUMNS, SELECTION_COLUMNS, read_table


def steps(axes):
    """(heights, edges) of each histogram outline of an axes, in drawing order."""
    return [patch.get_data()[:2] for patch in axes.patches]


def points(container):
    """(x, y, errors) of an error-bar container."""
    line, _, bars = container
    segments = np.array(bars[0].get_segments())
    return line.get_xdata(), line.get_ydata(), (segments[:, 1, 1] - segments[:, 0, 1]) / 2


def test_energy_grid_draws_shares_per_energy(comparison):
    """Breaks if samples are swapped, energies mixed, or showers outside of the range counted inside."""
    figure = plot_energy_grid(comparison)
    assert len(figure.axes) == 4  # two energies with a ratio each
    at_8_gev = comparison.by_energy[1]
    (reference, edges), _, (generated, _) = steps(figure.axes[2])
    for heights, sample in ((reference, at_8_gev.reference), (generated, at_8_gev.generated)):
        np.testing.assert_allclose(heights, np.histogram(sample.response, edges)[0] / 40)
    assert figure.axes[2].get_title() == "8.19 GeV"
    table = at_8_gev.chi2
    assert f"{table.chi2:.1f}/{table.ndf} = {table.value:.2f}" in figure.axes[2].texts[0].get_text()


def test_the_legend_fits_over_a_single_panel():
    """Breaks when a report on one incident energy cuts off the names of its samples: one panel is narrower."""
    rng, energies = np.random.default_rng(3), np.full(40, 2048.0)
    name = "photon_factorised_pretrained, iteration 32000 of many"
    samples = [ShowerSet(energies, rng.exponential(4.0, (40, PHOTON.n_voxels)), PHOTON, name) for _ in range(2)]
    figure = plot_energy_grid(compare(*samples))
    assert len(figure.axes) == 2
    extent = figure.legends[0].get_window_extent()
    assert 0 <= extent.x0 < extent.x1 <= figure.bbox.x1


def test_ratio_panel_is_generated_over_reference(comparison):
    figure = plot_energy_grid(comparison)
    main, ratio = figure.axes[:2]
    (reference, edges), _, (generated, _) = steps(main)
    x, y, error = points(ratio.containers[0])
    places = np.searchsorted(edges, x) - 1
    np.testing.assert_allclose(y, generated[places] / reference[places])
    np.testing.assert_allclose(error, y / np.sqrt(generated[places] * 40))
    far = [line for line in ratio.lines if line.get_marker() in "^v"]
    shown = len(x) + sum(len(line.get_xdata()) for line in far)
    assert shown == np.count_nonzero((reference > 0) & (generated > 0))


def test_display_range_is_the_tabulated_one_only_if_it_shows_the_reference(comparison):
    """8.192 GeV: 0.78 to 1.08 is tabulated, but a tenth of these broad showers would be hidden."""
    at_2_gev, at_8_gev = comparison.by_energy
    response = at_8_gev.reference.response
    low, high = display_range(at_8_gev)
    assert low < np.percentile(response, 0.5)
    assert high > np.percentile(response, 99.5)
    hidden = np.mean(at_2_gev.reference.response < 0.7)
    assert (display_range(at_2_gev) == (0.7, 1.2)) == (hidden <= 0.005)


@pytest.mark.parametrize(("energy", "label"), [(256, "256 MeV"), (4096, "4.1 GeV"), (2**20, "1.05 TeV")])
def test_energy_labels(energy, label):
    assert energy_label(energy) == label


def test_response_picture_draws_the_numbers_of_the_report(comparison, results):
    """Breaks if the plot and metrics.json can disagree."""
    figure = plot_response(comparison, results)
    for column, name in enumerate(("response_mean", "response_sigma", "response_sigma68")):
        main, ratio = figure.axes[2 * column : 2 * column + 2]
        for axes, metric in ((main, name), (ratio, f"{name}_ratio")):
            x, y, error = points(axes.containers[0])
            entries = [results.per_energy[energy][metric] for energy in (2048.0, 8192.0)]
            np.testing.assert_allclose(x, [2.048, 8.192])
            np.testing.assert_allclose(y, [entry["value"] for entry in entries])
            np.testing.assert_allclose(error, [entry["error"] for entry in entries])
        floor = [results.per_energy[e][f"{name}_ratio"]["reference_vs_reference"] for e in (2048.0, 8192.0)]
        band = ratio.collections[0].get_paths()[0].vertices[:, 1]
        assert band.min() < min(floor) <= max(floor) < band.max()


def test_a_picture_whose_metrics_were_not_measured_is_left_out(comparison, results):
    """Breaks if a report of a few chosen metrics fails for want of the others."""
    few = Results(results.overall, {energy: {} for energy in results.per_energy}, ())
    scene = Scene(comparison, few)
    assert "response_sigma_ratio" not in scene.provides
    left_out = {p.name for p in PICTURES} - {p.name for p in PICTURES if p.needs <= scene.provides}
    assert left_out == {"response", "selection", "losses"}


def test_layer_energies_use_the_official_bins(comparison):
    figure = plot_layer_energies(comparison)
    assert [axes.get_title() for axes in figure.axes[::2]] == [f"layer {i}" for i in (0, 1, 2, 3, 12)]
    energies = comparison.reference.layer("energy_thresholded", 2)
    (reference, edges), *_ = steps(figure.axes[4])
    np.testing.assert_allclose(edges, log_edges(LAYER_ENERGY_BINS, energies.max()))
    np.testing.assert_allclose(reference, np.histogram(energies, edges)[0] / 80)
    assert figure.axes[4].get_xscale() == "log"


def test_moments_are_drawn_for_layers_with_angles_only(comparison):
    figure = plot_moments(comparison)
    titles = [axes.get_title() for axes in figure.axes[::2]]
    assert titles[0] == "layer 1: centre in eta"
    assert titles[-1] == "layer 2: width in phi"
    assert len(titles) == 8


def test_voxel_spectrum_counts_every_voxel_above_1_mev(comparison):
    figure = plot_voxel_spectrum(comparison)
    (reference, edges), _, _ = steps(figure.axes[0])
    counts = np.histogram(comparison.reference.showers.showers_mev, edges)[0]
    np.testing.assert_allclose(reference, counts / counts.sum())


def test_mean_shower_colours(comparison):
    """Breaks if alpha and r are swapped, or the ratio is inverted: colours are read back voxel by voxel."""
    figure = plot_mean_shower(comparison)
    polar = [axes for axes in figure.axes if axes.name == "polar"]
    assert len(polar) == 15
    reference, generated, ratio = (axes.collections[0].get_array() for axes in polar[6:9])  # layer 2
    expected = [
        sample.showers.showers_mev[:, 168:358].mean(axis=0).reshape(10, 19)
        for sample in (comparison.reference, comparison.generated)
    ]
    middle = slice(6, None, 12)  # one of the 12 pieces that each of the 10 angles is drawn with
    for drawn, image in ((reference, expected[0]), (generated, expected[1]), (ratio, expected[1] / expected[0])):
        np.testing.assert_allclose(np.ma.getdata(drawn)[:, middle], image.T)
    assert log_radius(np.array([0.0, 9.0, 99.0])).tolist() == [0, 1, 2]


def test_shares_do_not_hide_showers_outside():
    histogram = histogram_of_values(np.array([0.1, 0.1, 0.9, 5.0]), np.array([0.0, 0.5, 1.0]))
    assert histogram.share.tolist() == [0.5, 0.25]
    assert histogram.error.tolist() == pytest.approx([2**0.5 / 4, 0.25])


def test_group_errors_see_correlation_and_only_that():
    """Groups of equal shape have no error at all; independent Poisson counts give Poisson errors within 20 %."""
    assert histogram_of_groups(np.outer([1, 5, 2], [10, 20, 70])).error == pytest.approx(np.zeros(3), abs=1e-12)
    counts = np.random.default_rng(0).poisson(3, size=(400, 20))
    histogram = histogram_of_groups(counts)
    np.testing.assert_allclose(histogram.error, np.sqrt(counts.sum(axis=0)) / counts.sum(), rtol=0.2)


def test_selection_picture_marks_the_best_chosen_checkpoint(tmp_path):
    """Several rows are marked, each the best in its time: the diamond sits on the last best one, the line on MC vs
    MC.
    """
    (tmp_path / "selection.csv").write_text(
        "iteration,chi2,ndf,chosen\n1000,500,100,1\n2000,700,100,0\n3000,200,100,1\n4000,0,0,0\n"
    )
    table = read_table(tmp_path / "selection.csv", SELECTION_COLUMNS)
    axes = plot_selection(table, 0.9).axes[0]
    curve, diamond, line = axes.lines
    np.testing.assert_allclose(curve.get_ydata(), [5, 7, 2, np.nan])
    assert (diamond.get_xdata().item(), diamond.get_ydata().item()) == (3000, 2)
    assert set(line.get_ydata()) == {0.9}
    assert len(plot_selection(table, None).axes[0].lines) == 2


def test_losses_picture_draws_numeric_terms_only(tmp_path):
    table = tmp_path / "history.csv"
    table.write_text("iteration,critic_loss,state,penalty\n10,-1.5,ok,0.5\n20,,ok,0.25\n30,-0.5,ok,0.125\n")
    figure = plot_losses(read_table(table, HISTORY_COLUMNS))
    assert [axes.get_title() for axes in figure.axes] == ["critic loss", "penalty"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [10, 30]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [0.5, 0.25, 0.125]


@pytest.mark.slow
def test_all_pictures_are_files_and_settings_are_left_alone(tmp_path, comparison, results):
    """Breaks if drawing changes matplotlib for the caller, needs a display, or is not reproducible."""
    before = dict(matplotlib.rcParams)
    scene = Scene(comparison, results, history={"iteration": np.arange(2.0), "loss": np.ones(2)})
    drawn = [picture.name for picture in draw_all(scene, tmp_path)]
    names = dict.fromkeys(picture.name for picture in PICTURES)  # rings and cells have pictures of one name
    assert drawn == [name for name in names if name != "selection"]
    assert dict(matplotlib.rcParams) == before
    first = (tmp_path / "response.png").read_bytes()
    assert first.startswith(b"\x89PNG")
    with plot_style():
        figure = plot_response(comparison, results)
        figure.savefig(tmp_path / "again.png", metadata={"Software": None})
    assert (tmp_path / "again.png").read_bytes() == first
