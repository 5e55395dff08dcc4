"""Plots of the Conditional CaloGAN checks, read back from the axes."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import get_detector
from calosim_tf.physics.distances.nearest_neighbours import layer_neighbours, memorisation
from calosim_tf.physics.observables.features import shower_features
from calosim_tf.physics.papers.mean_images import mean_images
from calosim_tf.physics.papers.traversal import along, paths, walk
from calosim_tf.plots.calogan import (
    plot_attribute_control,
    plot_mean_images,
    plot_memorisation,
    plot_neighbours,
    plot_walk_curves,
    plot_walk_images,
    shown_layers,
)
from calosim_tf.plots.style import save_picture

CALOGAN = get_detector("calogan")


def made_up(seed: int, n: int = 40) -> ShowerSet:
    rng = np.random.default_rng(seed)
    attributes = np.tile(CALOGAN.central, (n, 1)) + rng.uniform(-0.2, 0.2, (n, 4))
    return ShowerSet(rng.uniform(1e3, 1e5, n), rng.gamma(0.3, 30.0, (n, 504)), CALOGAN, f"sample {seed}", attributes)


@pytest.fixture(scope="module")
def real() -> ShowerSet:
    return made_up(1)


@pytest.fixture(scope="module")
def walked(real):
    """Path, walks of two networks, curves of real showers."""
    path = paths(CALOGAN, (1e3, 1e5), real.attributes, n_points=5, n_latents=2)[0]
    rng = np.random.default_rng(3)
    rising = np.repeat(np.arange(1.0, 6.0), 2)[:, None]
    walks = {name: walk(path, rising * rng.gamma(2.0, 1.0, (10, 504)), CALOGAN) for name in ("trained", "untrained")}
    return path, walks, along(path, real, shower_features(real))


def pictures(axes) -> np.ndarray:
    return np.ma.filled(axes.images[0].get_array(), 0.0)


@pytest.mark.slow
def test_mean_images_are_real_above_generated_and_rows_run_down(real, tmp_path):
    """Breaks when the samples are exchanged, or a shower of larger x0 is drawn further up."""
    made = made_up(2)
    figure = plot_mean_images(CALOGAN, mean_images(made, real), ("real", "made"))
    panels = [axes for axes in figure.axes if axes.images and axes.get_xlabel()]
    np.testing.assert_allclose(pictures(panels[1]), real.showers_mev[:, 288:432].mean(axis=0).reshape(12, 12))
    np.testing.assert_allclose(pictures(panels[4]), made.showers_mev[:, 288:432].mean(axis=0).reshape(12, 12))
    bottom, top = panels[1].get_ylim()
    assert (bottom, top) == (240.0, -240.0)
    save_picture(figure, tmp_path / "images.png")
    assert (tmp_path / "images.png").stat().st_size > 10_000


def test_neighbours_stand_above_their_real_shower(real):
    """Breaks when a neighbour is drawn next to another shower than its own."""
    made, rows = made_up(2), np.array([3, 17])
    found = layer_neighbours(real.showers_mev, made.showers_mev, CALOGAN, rows)
    figure = plot_neighbours(CALOGAN, found, real.showers_mev, made.showers_mev, real.incident_energy_mev)
    generated, below = figure.axes[5], figure.axes[7]  # layer 1: its rows are the third and fourth
    expected = made.showers_mev[found[1].generated.rows[1], 288:432].reshape(12, 12)
    np.testing.assert_allclose(pictures(generated), expected)
    np.testing.assert_allclose(pictures(below), real.showers_mev[17, 288:432].reshape(12, 12))


def test_copies_show_in_the_distances(tmp_path):
    """Breaks when distances of 0 fall out of the logarithmic axis."""
    held_out = np.random.default_rng(0).uniform(1.0, 2.0, 100)
    copies = np.where(np.arange(100) < 60, 0.0, held_out)
    figure = plot_memorisation(copies, held_out, memorisation(copies, held_out, np.random.default_rng(0)))
    generated = figure.axes[0].patches[1].get_data().values
    assert generated[0] >= 0.6
    assert generated.sum() == pytest.approx(1.0)
    save_picture(figure, tmp_path / "memory.png")


@pytest.mark.slow
def test_a_walk_has_one_row_per_layer_and_network(walked):
    """Breaks when rows are labelled with another network, or the middle point is not subtracted."""
    path, walks, _ = walked
    figure = plot_walk_images(CALOGAN, path, walks, difference=False)
    rows = np.array(figure.axes).reshape(6, 5)
    labels = [row[0].get_ylabel().splitlines()[:2] for row in rows]
    assert labels[:2] == [["layer 0", "trained"], ["layer 0", "untrained"]]
    expected = walks["untrained"].mean_showers_mev[4, 288:432].reshape(12, 12)
    np.testing.assert_allclose(pictures(rows[3, 4]), expected)
    minus = np.array(plot_walk_images(CALOGAN, path, walks, difference=True).axes).reshape(6, 5)
    middle = walks["untrained"].mean_showers_mev[2, 288:432].reshape(12, 12)
    np.testing.assert_allclose(pictures(minus[3, 4]), expected - middle)
    assert not pictures(minus[3, 2]).any()


def test_curves_have_the_untrained_network_and_real_showers_beside_them(walked):
    """Breaks when a panel shows another layer or quantity than its labels say."""
    path, walks, real = walked
    figure = plot_walk_curves(CALOGAN, path, walks, real)
    panel = figure.axes[5]  # layer 1, energy
    assert figure.axes[0].get_title() == "energy [MeV]"
    shown = [line.get_ydata() for line in panel.lines if len(line.get_ydata()) == 5]
    expected = [real["energy_layer_1"], *(item.curves["energy_layer_1"] for item in walks.values())]
    for values, curve in zip(shown[:: len(shown) // 3], expected, strict=True):
        np.testing.assert_allclose(values, curve.mean)
    np.testing.assert_allclose(panel.lines[0].get_xdata(), path.values / 1e3)
    assert figure.axes[-1].get_xlabel() == "incident energy [GeV]"
    assert [text.get_text() for text in figure.legends[0].texts] == ["real", "trained", "untrained"]


def test_attribute_profiles_are_means_of_their_bins():
    """Breaks when differences are averaged in another order than that of the requested values."""
    requested = np.random.default_rng(0).permutation(np.linspace(-1.0, 1.0, 240))
    pair = (requested, 0.5 * requested)
    figure = plot_attribute_control({"x0_mm, centres": {"real": pair, "generated": pair}})
    panel = figure.axes[0]
    profile = panel.lines[1]
    np.testing.assert_allclose(profile.get_ydata(), 0.5 * profile.get_xdata(), atol=1e-12)
    assert len(profile.get_xdata()) == 12
    assert panel.get_title() == "x0_mm, centres"


def test_layers_with_the_most_energy_are_drawn_in_order():
    """Breaks when a detector of 25 layers gets 25 rows, or the rows are sorted by energy."""
    clic = get_detector("clic")
    mean = np.zeros(clic.n_voxels)
    for layer_id, energy in ((20, 5.0), (4, 9.0), (7, 1.0), (11, 2.0), (12, 3.0)):
        mean[clic.layer_slices[layer_id].start] = energy
    assert [layer.layer_id for layer in shown_layers(clic, mean)] == [4, 11, 12, 20]
    assert len(shown_layers(CALOGAN, np.ones(504))) == 3
