"""Generators as ONNX models (extra ``onnx``)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from calosim_tf.errors import ConfigError
from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.parts import OUTPUT

# Our choice: the newest that tf2onnx has tested for long
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
        # tf2onnx gives the batch a name of its own at each end
        item.type.tensor_type.shape.dim[0].dim_param = "batch"
    return model.SerializeToString()


@contextmanager
def _without_copies() -> Iterator[None]:
    """Keep tf2onnx from copying the graph before each of its twenty optimisers, to go on where one fails.

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
