"""The forms of soft sparsity, each tested for what it really is, not for what the paper says."""

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.layers.soft_sparsity import SoftSparsity


def of_cell(x_gev, form, **exponents):
    return float(SoftSparsity(form, **exponents)(tf.fill([1, 2, 3], np.float32(x_gev)))[0, 0])


def test_authors_form_by_hand():
    """0 at 0; u = 0.5^6 + 0.5^(1/1.2) = 0.57686 at half a GeV; 2/3 at 1 GeV; breaks with beta instead of 1/beta."""
    assert of_cell(0.0, "authors") == pytest.approx(0.0, abs=2e-6)
    assert of_cell(0.5, "authors") == pytest.approx(0.57686 / 1.57686, rel=1e-4)
    assert of_cell(1.0, "authors") == pytest.approx(2 / 3, rel=1e-5)
    assert of_cell(0.01, "authors") == pytest.approx(0.02154 / 1.02154, rel=1e-3)  # 10^(-2/1.2) = 0.02154


def test_authors_form_tends_to_a_half_not_to_the_indicator():
    """For large exponents u -> 1 below 1 GeV: a filled cell counts as 1/2, an empty one as little."""
    steep = {"alpha": 500.0, "beta": 500.0}
    assert of_cell(0.3, "authors", **steep) == pytest.approx(0.5, abs=1e-3)
    assert of_cell(0.001, "authors", **steep) == pytest.approx(0.5, abs=5e-3)


def test_the_printed_equation_is_one_at_an_empty_cell():
    """The erratum: 1 at 0 and around it, 2/3 at 1 GeV, so an empty and a full shower look alike."""
    assert of_cell(0.0, "literal") == pytest.approx(1.0, abs=1e-6)
    assert of_cell(1e-3, "literal") == pytest.approx(1 - 1 / (1 + 10**3.6), rel=1e-5)
    assert of_cell(1.0, "literal") == pytest.approx(2 / 3, rel=1e-5)
    assert of_cell(0.3, "literal", alpha=50.0, beta=50.0) == pytest.approx(1.0, abs=1e-6)


def test_only_the_root_form_tends_to_the_occupancy():
    """0 at 0 exactly; at 1 MeV u = 10^-0.6 = 0.25119, s = 0.20076^(1/5) = 0.72539; near 1 for large exponents."""
    assert of_cell(0.0, "root") == 0.0
    assert of_cell(1e-3, "root") == pytest.approx(0.72539, rel=1e-4)
    steep = {"alpha": 500.0, "beta": 500.0}
    assert of_cell(0.001, "root", **steep) == pytest.approx(1.0, abs=3e-3)
    half_filled = tf.constant([[0.0, 0.02, 0.0, 0.7]])
    assert float(SoftSparsity("root", **steep)(half_filled)[0, 0]) == pytest.approx(0.5, abs=2e-3)


def test_hard_form_counts_cells_above_zero():
    """Breaks when negative cells count, or the mean runs over the batch."""
    found = SoftSparsity("hard")(tf.constant([[[0.0, 1e-9], [-1.0, 3.0]], [[0.0, 0.0], [0.0, 0.0]]])).numpy()
    np.testing.assert_array_equal(found, [[0.5], [0.0]])


@pytest.mark.parametrize("form", ["authors", "literal", "root"])
def test_the_gradient_is_finite_at_an_all_zero_shower(form):
    """Breaks when a power of |x| is differentiated at 0, which is NaN and would end a training at once."""
    showers = tf.zeros([2, 12, 6, 1])
    with tf.GradientTape() as tape:
        tape.watch(showers)
        value = tf.reduce_sum(SoftSparsity(form)(showers))
    np.testing.assert_array_equal(tape.gradient(value, showers).numpy(), 0.0)


def test_the_authors_form_has_a_gradient_where_there_is_energy():
    """d/dx of s at 0.5 GeV is (6 0.5^5 + 0.5^(-1/6)/1.2) / (1 + u)^2; breaks when the layer stops the gradient."""
    cell = tf.constant([[0.5]])
    with tf.GradientTape() as tape:
        tape.watch(cell)
        value = tf.reduce_sum(SoftSparsity("authors")(cell))
    expected = (6 * 0.5**5 + 0.5 ** (-1 / 6) / 1.2) / 1.57686**2
    assert float(tape.gradient(value, cell)[0, 0]) == pytest.approx(expected, rel=1e-3)
