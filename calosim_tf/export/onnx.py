"""Generators as ONNX models (extra ``onnx``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import keras
import tensorflow as tf

from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
from calosim_tf.errors import ConfigError
from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.parts import OUTPUT
from calosim_tf.export.runners import Runner, in_calls
from calosim_tf.export.writing import NetworkWriter
from calosim_tf.inference.onnx import OnnxEngine

# Our choice: the newest that tf2onnx has long tested
OPSET = 17


def onnx_model(network: keras.Model) -> bytes:
    """A generator as a serialised ONNX model: inputs ``latent`` and ``condition``, output ``showers``, any batch size.

    Parameters
    ----------
    network : keras.Model
        Inputs ``latent`` (batch, n) and ``condition`` (batch, k).

    Raises
    ------
    ConfigError
        The extra ``onnx`` is not installed.
    UnsupportedFormat
        ONNX has no operation for a layer.
    """
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ConfigError(
            f"ONNX: found no package {error.name}, expected the extra: pip install 'calosim-tf[onnx]'"
        ) from error

    signature = [
        tf.TensorSpec((None, network.input[name].shape[1]), tf.float32, name) for name in ("latent", "condition")
    ]

    @tf.function
    def raw(latent, condition):
        return {OUTPUT: network({"latent": latent, "condition": condition}, training=False)}

    try:
        with _without_copies():
            model, _ = tf2onnx.convert.from_function(raw, signature, opset=OPSET)
    except (ValueError, NotImplementedError, KeyError, AttributeError) as error:
        raise UnsupportedFormat(first_line(error)) from error
    try:
        # tf2onnx writes what it does not know as an operation of the same name
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise UnsupportedFormat(first_line(error)) from error
    for item in (*model.graph.input, *model.graph.output):
        # tf2onnx gives the batch dimension a different name at each end
        item.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model.SerializeToString()


def write(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the ONNX model of a network into a bundle."""
    return network.whole_file(kind, onnx_model(network.part.network))


def run_file(folder: Path, record: NetworkRecord, file: ModelFile) -> Runner:
    """An ONNX model in ONNX Runtime, to check it with."""
    return in_calls(OnnxEngine.from_bundle(folder, record))


def network_engine(network: keras.Model, batch: int) -> OnnxEngine:
    """A network in ONNX Runtime without a bundle; it takes any number of showers per call, whatever ``batch``."""
    sizes = network.input["latent"].shape[1], network.input["condition"].shape[1]
    return OnnxEngine(onnx_model(network), sizes, tuple(network.output.shape[1:]))


@contextmanager
def _without_copies() -> Iterator[None]:
    """Keep tf2onnx from copying the graph before each of its twenty optimisers, as a fallback if one fails.

    For the many nodes of 3DGAN the copies took minutes; a network that an optimiser fails on is better not exported.
    """
    name = "TF2ONNX_CATCH_ERRORS"
    before = os.environ.get(name)
    os.environ[name] = "FALSE"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
