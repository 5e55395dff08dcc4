"""Structural similarity against scikit-image and a case calculated by hand."""

import numpy as np
import pytest

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.ssim import random_partners, ssim, ssim_scan


def showers(n, seed, shape=(25, 25, 25)):
    """Cells of exponential energy that fall off from the axis, half of them empty."""
    rng = np.random.default_rng(seed)
    middle = (shape[0] - 1) / 2
    x, y = np.meshgrid(np.arange(shape[0]) - middle, np.arange(shape[1]) - middle, indexing="ij")
    mean = 1e-3 * np.exp(-np.hypot(x, y) / 2)[:, :, None] * np.ones(shape[2])
    return rng.exponential(mean, size=(n, *shape)) * (rng.random((n, *shape)) < 0.5)


@pytest.mark.parametrize("data_range", [1.0, 1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("shape", [(25, 25, 25), (13, 17, 3)])
def test_equals_scikit_image(data_range, shape):
    """Breaks when window, border, covariance or constants differ from the call of the authors' code."""
    metrics = pytest.importorskip("skimage.metrics", reason="scikit-image is not installed: no reference to compare")
    first, second = showers(3, 1, shape), showers(3, 2, shape)
    expected = [
        metrics.structural_similarity(
            a, b, channel_axis=2, data_range=data_range, gaussian_weights=True, use_sample_covariance=False
        )
        for a, b in zip(first, second, strict=True)
    ]
    np.testing.assert_allclose(ssim(first, second, data_range), expected, atol=1e-5)


def test_constant_images_by_hand():
    """Breaks when a constant is wrong: without variance it is (2ab + c1)/(a^2 + b^2 + c1), c1 = (0.01 L)^2 = 1."""
    first, second = np.full((1, 11, 11, 2), 3.0), np.full((1, 11, 11, 2), 1.0)
    assert ssim(first, second, 100.0)[0] == pytest.approx(7 / 11)


def test_one_hot_cell_by_hand():
    """Breaks when the window is not a normalised Gaussian of 1.5 cells, or the covariance is the sample's.

    One position of an 11 x 11 window: a cell of weight w and energy 1 has mean w and variance w - w^2.  Against the
    same cell at energy 2 (means w, 2w; covariance 2 (w - w^2)).
    """
    offsets = np.arange(-5, 6)
    line = np.exp(-(offsets**2) / 4.5) / np.exp(-(offsets**2) / 4.5).sum()
    w = line[5] * line[7]
    first = np.zeros((1, 11, 11, 1))
    first[0, 5, 7, 0] = 1.0
    c1, c2 = 0.01**2, 0.03**2
    spread = w - w * w
    expected = (4 * w * w + c1) * (4 * spread + c2) / ((5 * w * w + c1) * (5 * spread + c2))
    assert ssim(first, 2 * first, 1.0)[0] == pytest.approx(expected, rel=1e-9)


def test_equal_images_are_alike_and_chunks_keep_their_order():
    """Breaks when chunks are mixed: 300 pairs, of which one is not equal."""
    first = showers(300, 3, (11, 11, 1))
    second = first.copy()
    second[270] = 0.0
    found = ssim(first, second, 1e-4)
    assert found[270] < 0.5
    np.testing.assert_allclose(np.delete(found, 270), 1.0)


def test_no_shower_is_its_own_partner():
    """Breaks when pairs are a plain shuffle: a shower against itself has similarity 1 and lifts the mean."""
    for seed in range(20):
        partners = random_partners(5, np.random.default_rng(seed))
        assert np.all(partners != np.arange(5))
        assert sorted(partners) == list(range(5))


def test_scan_finds_showers_that_are_too_much_alike():
    """Breaks when curves are exchanged: copies of one shower are alike, samples of one law are alike across."""
    reference, other = showers(40, 4), showers(40, 5)
    copies = np.repeat(other[:1], 40, axis=0)
    found = ssim_scan(reference, copies, np.random.default_rng(0), (1e-2, 1e-4))
    assert found["gan_gan"] == pytest.approx([1.0, 1.0])
    assert np.all(found["mc_mc"] < 0.9)
    sound = ssim_scan(reference, other, np.random.default_rng(0), (1e-4,))
    for name in ("mc_gan", "gan_gan"):
        assert abs(sound[name] - sound["mc_mc"])[0] < 4 * (sound[f"{name}_error"] + sound["mc_mc_error"])[0]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [((2, 12, 12, 3), (2, 12, 12, 4), "expected two equal"), ((2, 10, 12, 3), (2, 10, 12, 3), "at least 11 x 11")],
)
def test_images_that_cannot_be_compared(first, second, words):
    """Breaks when numpy's message is all a user sees."""
    with pytest.raises(DataError, match=words):
        ssim(np.zeros(first), np.zeros(second), 1.0)


def test_error_of_the_scan_is_that_of_a_mean_of_pairs():
    """Breaks when the error is the spread of the pairs, or that over all ranges together."""
    reference, generated = showers(6, 1, (11, 11, 2)), showers(7, 2, (11, 11, 2))
    found = ssim_scan(reference, generated, np.random.default_rng(0), (1e-3, 1e-4))
    partners = random_partners(6, np.random.default_rng(0))
    for index, data_range in enumerate((1e-3, 1e-4)):
        values = [
            ssim(one[None], other[None], data_range)[0]
            for one, other in zip(reference, reference[partners], strict=True)
        ]
        assert found["mc_mc"][index] == pytest.approx(np.mean(values))
        assert found["mc_mc_error"][index] == pytest.approx(np.std(values, ddof=1) / np.sqrt(6))
