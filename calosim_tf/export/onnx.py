"""Generators as ONNX models and in ONNX Runtime (extra ``onnx``)."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from calosim_tf.errors import ConfigError

# Our choice: the newest that tf2onnx has tested for long
OPSET = 17


def onnx_model(network: keras.Model) -> bytes:
    """A generator as a serialised ONNX model with inputs ``latent`` and ``condition`` of any batch size.

    Parameters
    ----------
    network : keras.Model
        Inputs ``latent`` (batch, n) and ``condition`` (batch, k).

    Raises
    ------
    ConfigError
        The extra ``onnx`` is not installed.
    """
    try:
        import tf2onnx
    except ImportError as error:
        raise ConfigError(
            f"ONNX: found no package {error.name}, expected the extra: pip install 'calosim-tf[onnx]'"
        ) from error

    @tf.function
    def showers(latent, condition):
        return network({"latent": latent, "condition": condition}, training=False)

    signature = [
        tf.TensorSpec((None, network.input[name].shape[1]), tf.float32, name) for name in ("latent", "condition")
    ]
    model, _ = tf2onnx.convert.from_function(showers, signature, opset=OPSET)
    return model.SerializeToString()


def onnx_call(network: keras.Model, threads: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A generator in ONNX Runtime on the CPU: (latent, condition) to the network's output.

    Parameters
    ----------
    network : keras.Model
    threads : int
        Inside one operation.

    Raises
    ------
    ConfigError
        As :func:`onnx_model`.
    """
    model = onnx_model(network)
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def call(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        return session.run(None, {"latent": latent, "condition": condition})[0]

    return call
