"""Output block of the shape network: shares of the voxels of a layer, with a noise and a gate of each voxel."""

from __future__ import annotations

import keras
import tensorflow as tf

# Our choices: how steeply a closed gate pulls a logit down; the read-out ramp in MeV, of which no more than this share
# of the layer's energy is cut; what keeps the gradient of cut voxels alive; and what divides instead of 0
GATE_SLOPE = 10.0
# Where gates start: voxels mostly open (our choice)
GATE_START = -1.5
RAMP_MEV = (0.15, 0.5)
LARGEST_CUT_SHARE = 0.3
LEAK = 1e-7
TINY_MEV = 1e-9


@keras.saving.register_keras_serializable("calosim_tf")
class GatedShares(keras.layers.Layer):
    """Voxels in MeV whose sums are the energies of the layers.

    Each logit gets a noise of its own, and falls steeply when that noise is below a threshold.  A softmax over the
    voxels of a layer shares out its energy.  Voxels below the read-out ramp are cut, and the rest is scaled to the
    energy of the layer again, so that zeros are exact and sums are kept.

    Inputs: logits (batch, voxels); layer energies in MeV (batch, layers); with noise also width and threshold of each
    voxel (batch, 2 voxels), and standard normal noise (batch, voxels).

    Parameters
    ----------
    layer_sizes : sequence of int
        Voxels of each layer, one after another.
    ramp_mev : (float, float)
        A voxel below the first is cut, one above the second is left alone, linear between them.
    """

    def __init__(self, layer_sizes, ramp_mev=RAMP_MEV, **options):
        super().__init__(**options)
        self.layer_sizes = tuple(layer_sizes)
        self.ramp_mev = tuple(ramp_mev)

    def call(self, inputs):
        """Voxels, MeV."""
        logits, energies, *noisy = inputs
        if noisy:
            spread, noise = noisy
            width, threshold = tf.split(spread, 2, axis=-1)
            logits = logits + tf.nn.softplus(width) * noise - GATE_SLOPE * tf.nn.relu(threshold + GATE_START - noise)
        low, high = self.ramp_mev
        layers = []
        for index, part in enumerate(tf.split(logits, self.layer_sizes, axis=-1)):
            energy = energies[:, index : index + 1]
            voxels = energy * tf.nn.softmax(part)
            end = tf.minimum(LARGEST_CUT_SHARE * energy, high) + 1e-6
            ramp = tf.clip_by_value((voxels / end - low / high) / (1.0 - low / high), 0.0, 1.0)
            voxels = voxels * (ramp + LEAK)
            layers.append(voxels * (energy / (tf.reduce_sum(voxels, axis=-1, keepdims=True) + TINY_MEV)))
        return tf.concat(layers, axis=-1)

    def get_config(self):
        """Arguments of the layer."""
        return {**super().get_config(), "layer_sizes": self.layer_sizes, "ramp_mev": self.ramp_mev}
