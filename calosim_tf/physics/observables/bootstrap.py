"""Random streams and numbers of resamples of all bootstrap errors."""

from __future__ import annotations

import numpy as np

# Fixed, so that the same files give the same errors.
BOOTSTRAP_SEED = 20230531
BOOTSTRAP_RESAMPLES = 200


def bootstrap_rng(*words: int) -> np.random.Generator:
    """Random stream of a bootstrap, the same for the same ``words`` on every machine (Philox)."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence((BOOTSTRAP_SEED, *words))))
