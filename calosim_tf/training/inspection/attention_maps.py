"""What the attention blocks of a trained generator look at."""

from __future__ import annotations

import keras
import numpy as np

from calosim_tf.latents import draw_latents
from calosim_tf.layers.self_attention import SelfAttention
from calosim_tf.shower_generator import ShowerGenerator


def attention_of(
    generator: ShowerGenerator, incident_energy_mev: np.ndarray, attributes: np.ndarray, seed: int
) -> tuple[np.ndarray, float] | None:
    """Attention of the first block while these showers are made.

    Parameters
    ----------
    generator : ShowerGenerator
    incident_energy_mev : ndarray, shape (n,)
    attributes : ndarray, shape (n, attributes of the detector)
    seed : int
        Of the latents, as in :meth:`ShowerGenerator.blocks`.

    Returns
    -------
    maps : ndarray, shape (n, rows, columns, rows, columns)
        What output (first two) takes from input (last two); sums to 1 over the last two.
    gamma : float
        Weight of the block: at 0 it has no effect.
    None
        For a network without attention.
    """
    layer = next((layer for layer in generator.network.layers if isinstance(layer, SelfAttention)), None)
    if layer is None:
        return None
    before = keras.Model(generator.network.input, layer.input)
    condition = generator.normalisation.label(incident_energy_mev, attributes)
    latent = draw_latents(generator.latent, seed, 0, len(condition))
    inputs = before({"latent": latent, "condition": condition}, training=False)
    rows, columns = inputs.shape[1:3]
    maps = layer.attention_map(inputs).numpy().reshape(-1, rows, columns, rows, columns)
    return maps, float(layer.gamma.numpy())
