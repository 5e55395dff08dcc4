"""Showers for the particles of a reference (no TensorFlow)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from calosim_tf.data.schema import ShowerSet
from calosim_tf.inference.sampler import ShowerSampler


def showers_like(generator: ShowerSampler, reference: ShowerSet, seed: int, source: str) -> ShowerSet:
    """One generated shower for each shower of a reference, with the energy and the attributes of its particle.

    Parameters
    ----------
    generator : ShowerSampler
    reference : ShowerSet
    seed : int
        Key of the latent stream.
    source : str
        Provenance label, shown next to numbers.
    """
    blocks = generator.blocks(reference.incident_energy_mev, seed, attributes=reference.attributes)
    return replace(reference, showers_mev=np.concatenate(list(blocks)), source=source)
