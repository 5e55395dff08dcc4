"""Projections and showers in space, read back from the axes."""

import numpy as np
import pytest

from calosim_tf.plots.style import plot_style, save_picture
from calosim_tf.plots.three_d import plot_projections, plot_showers_in_space


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    profile = np.exp(-((np.arange(6) - 2.5) ** 2))
    images = rng.exponential(0.01, size=(2, 20, 4, 5, 6)) * profile
    images[1] *= 1.2
    images[1, :, 0] *= 10.0
    return images


def test_projections_draw_both_samples_along_each_axis(samples):
    """Breaks when samples or axes are exchanged, or the scales are not linear and logarithmic."""
    figure = plot_projections(*samples, ("EGSnrc sample", "G1"))
    assert len(figure.axes) == 12
    for index, others in enumerate(((1, 2), (0, 2), (0, 1))):
        for column, scale in enumerate(("linear", "log")):
            main = figure.axes[4 * index + 2 * column]
            assert main.get_yscale() == scale
            _, expected, found = (patch.get_data().values for patch in main.patches)
            for drawn, sample in ((expected, samples[0]), (found, samples[1])):
                sample = np.where(sample > 1e-5, sample, 0.0)
                np.testing.assert_allclose(drawn, sample.mean(axis=0).sum(axis=others))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["EGSnrc sample", "G1"]


def test_ratio_is_generated_over_reference_and_shows_what_lies_outside(samples):
    """Breaks when the ratio is inverted or values beyond the panel vanish: slice 0 along x is 12 times too high."""
    figure = plot_projections(*samples, ("a", "b"))
    main, ratio = figure.axes[:2]
    _, expected, found = (patch.get_data().values for patch in main.patches)
    points = next(line for line in ratio.lines if line.get_marker() == "o")
    above = next(line for line in ratio.lines if line.get_marker() == "^")
    np.testing.assert_allclose(points.get_ydata(), (found / expected)[1:])
    assert above.get_xdata().tolist() == [0]


def test_showers_in_space_draw_cells_where_they_are(samples):
    """Breaks when axes are exchanged (z points to the right), or faint cells are drawn without end."""
    shower = np.zeros((4, 5, 6))
    shower[1, 2, 3], shower[0, 4, 5], shower[3, 3, 3] = 0.5, 0.01, 1e-5
    with plot_style():
        figure = plot_showers_in_space({"a": shower, "b": 0.1 * shower}, "electrons")
    first, second = (axes.collections[0]._offsets3d for axes in figure.axes[:2])
    np.testing.assert_allclose(np.array(first).T, [[5.5, 0.5, 4.5], [3.5, 1.5, 2.5]])
    assert [axes.get_title() for axes in figure.axes[:2]] == ["a", "b"]
    # one colour scale for all: 0.05 and 0.001 GeV of the second lie above 0.5 GeV / 1000
    assert len(second[0]) == 2


@pytest.mark.slow
def test_pictures_are_written_for_empty_showers_too(tmp_path, samples):
    """Breaks when a generator that has collapsed stops the report."""
    empty = np.zeros((4, 5, 6))
    with plot_style():
        save_picture(plot_showers_in_space({"a": samples[0, 0], "b": empty}), tmp_path / "space.png")
        save_picture(plot_projections(samples[0], empty[None], ("a", "b")), tmp_path / "projections.png")
    assert (tmp_path / "space.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "projections.png").stat().st_size > 10_000
