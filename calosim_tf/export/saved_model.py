"""Generators as SavedModels with two signatures: the network alone, and from particles to showers in MeV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
from calosim_tf.config.energy_range import route
from calosim_tf.export.parts import OUTPUT, Part
from calosim_tf.export.physics_in_graph import cells_mev, condition, require_graph_form
from calosim_tf.export.runners import Runner
from calosim_tf.export.writing import NetworkWriter, described
from calosim_tf.keras_compat import raws

RAW, SHOWERS, CELLS = "raw", "showers", "cells_mev"


class ExportedGenerator(tf.Module):
    """A generator with its physics as TensorFlow functions.

    ``raw``: ``latent`` (n, l), ``condition`` (n, k) -> ``showers``, the network's own numbers.

    ``showers``: ``incident_energy_mev`` (n,), where the detector has attributes ``attributes`` (n, a), and ``latent``
    (n, l) -> ``cells_mev`` (n, n_cells).  Everything is float32.

    Parameters
    ----------
    part : Part

    Raises
    ------
    UnsupportedFormat
        The normalisation is of a kind without a graph form.
    """

    def __init__(self, part: Part):
        # before it is traced, because TensorFlow would wrap the error
        require_graph_form(part.generator.normalisation)
        super().__init__(name="exported_generator")
        # the variables and not the model: Keras would write every layer's own functions too
        self.weights = raws(part.network.weights)
        network, law = part.network, part.generator.normalisation
        latent = tf.TensorSpec((None, part.generator.latent.size), tf.float32, "latent")
        label = tf.TensorSpec((None, part.network.input["condition"].shape[1]), tf.float32, "condition")

        def raw(latent, condition):
            return {OUTPUT: network({"latent": latent, "condition": condition}, training=False)}

        def made(incident_energy_mev, attributes, latent):
            label = condition(law, incident_energy_mev, attributes)
            outputs = network({"latent": latent, "condition": label}, training=False)
            return cells_mev(law, outputs, incident_energy_mev)

        self.raw = tf.function(raw, input_signature=[latent, label])
        self.showers = showers_function(made, part.generator.latent.size, len(part.generator.detector.attributes))

    def save(self, path: Path) -> None:
        """Write the SavedModel folder."""
        signatures = {RAW: self.raw.get_concrete_function(), SHOWERS: self.showers.get_concrete_function()}
        tf.saved_model.save(self, str(path), signatures=signatures)


class RoutedGenerator(tf.Module):
    """The generators of a split as one function: each shower by the network of its incident energy.

    ``showers`` as in :class:`ExportedGenerator`; the latent is as wide as that of the widest network, and a narrower
    one takes the first numbers of it.  An energy that no network makes gives cells that are not a number.

    Parameters
    ----------
    parts : sequence of Part
        Ascending in energy; the upper one has a shared edge.
    """

    def __init__(self, parts: Sequence[Part]):
        super().__init__(name="routed_generator")
        self.weights = [raws(part.network.weights) for part in parts]
        detector = parts[0].generator.detector

        def made(incident_energy_mev, attributes, latent):
            cells = tf.fill((tf.shape(latent)[0], detector.n_voxels), np.float32(np.nan))
            number = route([part.energy_range_mev for part in parts], incident_energy_mev, tf.where)
            for index, part in enumerate(parts):
                rows = tf.where(number == index)
                law = part.generator.normalisation
                energy = tf.gather_nd(incident_energy_mev, rows)
                label = condition(law, energy, None if attributes is None else tf.gather_nd(attributes, rows))
                drawn = tf.gather_nd(latent, rows)[:, : part.generator.latent.size]
                outputs = part.network({"latent": drawn, "condition": label}, training=False)
                cells = tf.tensor_scatter_nd_update(cells, rows, cells_mev(law, outputs, energy))
            return cells

        widest = max(part.generator.latent.size for part in parts)
        self.showers = showers_function(made, widest, len(detector.attributes))

    def save(self, path: Path) -> None:
        """Write the SavedModel folder."""
        tf.saved_model.save(self, str(path), signatures={SHOWERS: self.showers.get_concrete_function()})


def write(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the SavedModel of a network into a bundle."""
    path = network.path(kind)
    ExportedGenerator(network.part).save(path)
    return [described(path, RAW)]


def write_routed(parts: Sequence[Part], folder: Path) -> ModelFile:
    """Write the SavedModel of a split into a bundle."""
    path = folder / "routed.saved_model"
    RoutedGenerator(parts).save(path)
    return described(path, SHOWERS)


def run_file(folder: Path, record: NetworkRecord, file: ModelFile) -> Runner:
    """The raw function of a SavedModel, to check it with."""
    raw = tf.saved_model.load(str(folder / file.path)).signatures[file.signature]

    def run(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        outputs = raw(latent=tf.constant(latent), condition=tf.constant(condition))[file.output].numpy()
        return outputs.reshape(len(outputs), -1)

    return run


def showers_function(made: Callable[..., tf.Tensor], latent_size: int, attributes: int):
    """``made(incident_energy_mev, attributes, latent)`` as a function of named inputs, attributes where there are."""
    energy = tf.TensorSpec((None,), tf.float32, "incident_energy_mev")
    latent = tf.TensorSpec((None, latent_size), tf.float32, "latent")

    def with_attributes(incident_energy_mev, attributes, latent):
        return {CELLS: made(incident_energy_mev, attributes, latent)}

    def from_energy(incident_energy_mev, latent):
        return {CELLS: made(incident_energy_mev, None, latent)}

    if attributes:
        more = tf.TensorSpec((None, attributes), tf.float32, "attributes")
        return tf.function(with_attributes, input_signature=[energy, more, latent])
    return tf.function(from_energy, input_signature=[energy, latent])
