"""Generators as SavedModels with two signatures: the network alone, and from particles to showers in MeV."""

from __future__ import annotations

from pathlib import Path

import keras
import tensorflow as tf

from calosim_tf.export.parts import OUTPUT, Part
from calosim_tf.export.physics_in_graph import cells_mev, condition

RAW, SHOWERS = "raw", "showers"


class ExportedGenerator(tf.Module):
    """A generator with its physics as TensorFlow functions.

    ``raw``: ``latent`` (n, l), ``condition`` (n, k) -> ``showers``, the network's own numbers.

    ``showers``: ``incident_energy_mev`` (n,), where the detector has attributes ``attributes`` (n, a), and ``latent``
    (n, l) -> ``cells_mev`` (n, n_cells).  Everything is float32.

    Parameters
    ----------
    part : Part
    """

    def __init__(self, part: Part):
        super().__init__(name="exported_generator")
        self.network: keras.Model = part.network
        law = part.generator.normalisation
        latent = tf.TensorSpec((None, part.generator.latent.size), tf.float32, "latent")
        label = tf.TensorSpec((None, part.network.input["condition"].shape[1]), tf.float32, "condition")
        energy = tf.TensorSpec((None,), tf.float32, "incident_energy_mev")

        def raw(latent, condition):
            return {OUTPUT: self.network({"latent": latent, "condition": condition}, training=False)}

        def made(incident_energy_mev, attributes, latent):
            label = condition(law, incident_energy_mev, attributes)
            outputs = self.network({"latent": latent, "condition": label}, training=False)
            return {"cells_mev": cells_mev(law, outputs, incident_energy_mev)}

        self.raw = tf.function(raw, input_signature=[latent, label])
        width = len(part.generator.detector.attributes)
        if width:
            attributes = tf.TensorSpec((None, width), tf.float32, "attributes")
            self.showers = tf.function(made, input_signature=[energy, attributes, latent])
        else:

            def from_energy(incident_energy_mev, latent):
                return made(incident_energy_mev, None, latent)

            self.showers = tf.function(from_energy, input_signature=[energy, latent])

    def save(self, path: Path) -> None:
        """Write the SavedModel folder."""
        signatures = {RAW: self.raw.get_concrete_function(), SHOWERS: self.showers.get_concrete_function()}
        tf.saved_model.save(self, str(path), signatures=signatures)
