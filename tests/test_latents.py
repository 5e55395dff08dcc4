"""The latent stream: the same numbers at any batch size, and really normal."""

import numpy as np
import pytest
from scipy import stats

from calosim_tf.config import LatentLaw
from calosim_tf.latents import draw_latents


@pytest.mark.parametrize("size", [1, 7, 8, 100])
def test_any_slice_equals_the_whole(size):
    """Breaks when a shower's latent depends on what was drawn before it."""
    law = LatentLaw(size=size)
    whole = draw_latents(law, 3, 0, 50)
    assert whole.shape == (50, size)
    assert whole.dtype == np.float32
    pieces = [draw_latents(law, 3, first, count) for first, count in ((0, 1), (1, 30), (31, 19))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_seeds_and_showers_are_independent():
    law = LatentLaw(size=64)
    first, second = draw_latents(law, 1, 0, 500), draw_latents(law, 2, 0, 500)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 0.03
    assert abs(np.corrcoef(first[:-1].ravel(), first[1:].ravel())[0, 1]) < 0.03


def test_components_are_normal_with_the_stated_mean_and_width():
    """Breaks when cosine and sine share a uniform wrongly, or the tails are cut (2 x 10^5 numbers)."""
    numbers = draw_latents(LatentLaw(size=100, mean=0.5, std=0.5), 11, 0, 2000).ravel().astype("f8")
    assert stats.kstest(numbers, stats.norm(0.5, 0.5).cdf).pvalue > 1e-3
    standard = (numbers - 0.5) / 0.5
    assert abs(stats.kurtosis(standard)) < 0.05
    assert np.abs(standard).max() > 4.0
    columns = draw_latents(LatentLaw(size=6), 5, 0, 20_000)
    off_diagonal = np.corrcoef(columns.T) - np.eye(6)
    assert np.abs(off_diagonal).max() < 0.03


@pytest.mark.parametrize("size", [1, 8, 50])
def test_uniform_latents_fill_their_interval_evenly(size):
    """FastCaloGAN V1 draws from (-1, 1); breaks when the law is ignored, or slices differ from the whole."""
    law = LatentLaw(size=size, law="uniform", low=-1.0, high=3.0)
    numbers = draw_latents(law, 11, 0, 4000)
    assert numbers.dtype == np.float32
    assert stats.kstest(numbers.ravel().astype("f8"), "uniform", (-1.0, 4.0)).pvalue > 1e-3
    assert numbers.min() > -1.0
    assert numbers.max() < 3.0
    np.testing.assert_array_equal(draw_latents(law, 11, 17, 5), numbers[17:22])


@pytest.mark.parametrize("size", [1, 16, 17, 458])
def test_cheap_normals_are_slices_of_one_stream(size):
    """Breaks when a shower's stretch overlaps the next one's, or depends on what was drawn before it."""
    law = LatentLaw(size=size, mean=0.0, std=1.0, law="normal_16bit")
    whole = draw_latents(law, 3, 0, 40)
    assert whole.shape == (40, size)
    assert whole.dtype == np.float32
    pieces = [draw_latents(law, 3, first, count) for first, count in ((0, 1), (1, 20), (21, 19))]
    np.testing.assert_array_equal(np.concatenate(pieces), whole)
    assert len(np.unique(whole[:, 0])) == 40


def test_cheap_normals_are_normal_and_independent():
    """Breaks when the table is shifted by half a bin, or two numbers share their bits (4 x 10^5 numbers)."""
    numbers = draw_latents(LatentLaw(size=200, mean=0.5, std=2.0, law="normal_16bit"), 11, 0, 2000)
    standard = (numbers.ravel().astype("f8") - 0.5) / 2.0
    assert stats.kstest(standard, "norm").pvalue > 1e-3
    assert abs(standard.mean()) < 4 / np.sqrt(standard.size)
    assert abs(standard.std() - 1.0) < 0.005
    assert 4.0 < np.abs(standard).max() < 4.4
    columns = draw_latents(LatentLaw(size=18, mean=0.0, std=1.0, law="normal_16bit"), 5, 0, 20_000)
    assert np.abs(np.corrcoef(columns.T) - np.eye(18)).max() < 0.03


def test_cheap_normals_by_hand():
    """Breaks when the order of the 16-bit parts of a word, the counter or the quantile changes: other languages rely on
    them.
    """
    found = draw_latents(LatentLaw(size=20, mean=0.0, std=1.0, law="normal_16bit"), 7, 0, 6)
    # 20 numbers take two counter values of four words, so shower 5 begins at counter 10
    for shower, counter in ((0, 0), (5, 10)):
        words = [int(word) for word in np.random.Philox(key=7, counter=[counter, 0, 0, 1]).random_raw(8)]
        parts = [word >> shift & 0xFFFF for word in words for shift in (0, 16, 32, 48)][:20]
        expected = [stats.norm.ppf((part + 0.5) / 65536) for part in parts]
        np.testing.assert_allclose(found[shower], expected, rtol=1e-6, atol=1e-7)
