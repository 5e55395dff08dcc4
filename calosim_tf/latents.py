"""Latent vectors as a function of (seed, shower index), without TensorFlow.

Every back end, batch size and process draws the same latent for the same shower: a counter-based generator (Philox
4x64) gives each shower its own fixed stretch of the stream, and Box-Muller turns it into normals without rejection.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from calosim_tf.config import LatentLaw

_WORDS_PER_COUNT = 4  # one Philox 4x64 counter value yields four 64-bit words
_SIXTEENTHS_PER_COUNT = 16
_SCALE = np.float32(2.0**-24)
# Showers of a stretch for each wanted one up to which all of it is drawn at once (our choice: a call costs about ten)
SPARSE = 10


def draw_latents(law: LatentLaw, seed: int, first: int, count: int) -> np.ndarray:
    """Latents of the showers ``first ... first + count - 1``.

    Parameters
    ----------
    law : LatentLaw
    seed : int
        Key of the stream, >= 0.
    first, count : int
        Range of shower indices.

    Returns
    -------
    ndarray, shape (count, law.size), float32
        Normal with mean ``law.mean`` and standard deviation ``law.std``, or uniform in (``law.low``, ``law.high``).

    Notes
    -----
    A word of 64 bits holds two uniforms of 24 bits, which become two normals, so the tails end at 5.8 standard
    deviations.  In the law ``normal_16bit`` it holds four integers k of 16 bits, the lowest first, and the number is
    the quantile of the normal law at (k + 1/2) / 65536: the tails end at 4.3 standard deviations.
    """
    if law.law == "normal_16bit":
        counts = -(-law.size // _SIXTEENTHS_PER_COUNT)
        draws = _words(seed, first, count, counts).view("<u2").reshape(count, -1)[:, : law.size]
        normal = normal_quantiles()[draws]
        return normal if (law.mean, law.std) == (0.0, 1.0) else normal * np.float32(law.std) + np.float32(law.mean)
    halves = _words(seed, first, count, -(-law.size // (2 * _WORDS_PER_COUNT))).view("<u4").reshape(count, -1)
    uniform = (halves >> np.uint32(8)).astype(np.float32)
    if law.law == "uniform":
        # cell centres: neither end is reached
        unit = (uniform[:, : law.size] + np.float32(0.5)) * _SCALE
        return unit * np.float32(law.high - law.low) + np.float32(law.low)
    pairs = uniform.shape[1] // 2
    # (k + 1) / 2^24 is never 0, so the logarithm is finite
    radius = np.sqrt(np.float32(-2.0) * np.log((uniform[:, :pairs] + np.float32(1.0)) * _SCALE))
    angle = uniform[:, pairs:] * (_SCALE * np.float32(2.0 * np.pi))
    normal = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    return normal[:, : law.size] * np.float32(law.std) + np.float32(law.mean)


def latents_at(law: LatentLaw, seed: int, places: np.ndarray) -> np.ndarray:
    """Latents of showers at these places of the stream, ascending, shape (n, law.size)."""
    first, span = int(places[0]), int(places[-1] - places[0]) + 1
    if span <= SPARSE * len(places):
        return draw_latents(law, seed, first, span)[places - first]
    return np.concatenate([draw_latents(law, seed, int(place), 1) for place in places])


def _words(seed: int, first: int, count: int, counts_per_shower: int) -> np.ndarray:
    """Words of the stretches of these showers, uint64 in little-endian order."""
    # The last counter word separates this stream from every other use of the seed
    bits = np.random.Philox(key=seed, counter=[first * counts_per_shower, 0, 0, 1])
    return bits.random_raw(count * counts_per_shower * _WORDS_PER_COUNT).astype("<u8", copy=False)


@cache
def normal_quantiles() -> np.ndarray:
    """The normal numbers that 16 bits choose from, shape (65536,), float32."""
    # scipy.special takes its time to import, and only this law needs it
    from scipy.special import ndtri

    return ndtri((np.arange(2**16) + 0.5) / 2**16).astype(np.float32)
