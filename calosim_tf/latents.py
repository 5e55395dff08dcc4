"""Latent vectors as a function of (seed, shower index), without TensorFlow.

Every back end, batch size and process draws the same latent for the same shower: a counter-based generator (Philox
4x64) gives each shower its own fixed stretch of the stream, and Box-Muller turns it into normals without rejection.
"""

from __future__ import annotations

import numpy as np

from calosim_tf.config import LatentLaw

_WORDS_PER_COUNT = 4  # one Philox 4x64 counter value yields four 64-bit words
_SCALE = np.float32(2.0**-24)


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
    deviations.
    """
    counts_per_shower = -(-law.size // (2 * _WORDS_PER_COUNT))
    # The last counter word separates this stream from every other use of the seed
    bits = np.random.Philox(key=seed, counter=[first * counts_per_shower, 0, 0, 1])
    words = bits.random_raw(count * counts_per_shower * _WORDS_PER_COUNT).astype("<u8", copy=False)
    halves = words.view("<u4").reshape(count, -1) >> np.uint32(8)
    uniform = halves.astype(np.float32)
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
