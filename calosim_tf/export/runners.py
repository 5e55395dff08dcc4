"""Exported files as functions of latent and condition, to check them with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.bundle.sidecar import ModelFile
from calosim_tf.export.onnx import onnx_session_call

# (latent, condition) -> outputs of one shower each, flat
Runner = Callable[[np.ndarray, np.ndarray], np.ndarray]


def runner(folder: Path, kind: str, file: ModelFile) -> Runner:
    """A file of a bundle as a function of any number of showers."""
    path = folder / file.path
    if kind == "saved_model":
        raw = tf.saved_model.load(str(path)).signatures[file.signature]
        return lambda latent, condition: _flat(
            raw(latent=tf.constant(latent), condition=tf.constant(condition))[file.output].numpy()
        )
    if kind == "onnx":
        call = onnx_session_call(path.read_bytes(), threads=0)
        return lambda latent, condition: _flat(call(latent, condition))
    if kind == "lwtnn":
        return LwtnnNetwork.read(path)
    return tflite_runner(path.read_bytes(), file)


def tflite_runner(model: bytes, file: ModelFile) -> Runner:
    """A TensorFlow Lite model of fixed batch as a function of any number of showers, integers turned into numbers."""
    interpreter = tf.lite.Interpreter(model_content=model)
    call = interpreter.get_signature_runner(file.signature)
    inputs, outputs = call.get_input_details(), call.get_output_details()

    def one_call(values: list[np.ndarray]) -> np.ndarray:
        fed = {name: _quantised(x, inputs[name]) for name, x in zip(file.inputs, values, strict=True)}
        return _flat(_dequantised(call(**fed)[file.output], outputs[file.output]))

    def run(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        blocks = []
        for first in range(0, len(latent), file.batch):
            # the last call is filled up with rows that are thrown away
            rows = np.minimum(np.arange(first, first + file.batch), len(latent) - 1)
            blocks.append(one_call([latent[rows], condition[rows]])[: len(latent) - first])
        return np.concatenate(blocks)

    return run


def _flat(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1)


def _quantised(values: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    if detail["dtype"] == np.float32:
        return values
    limits = np.iinfo(detail["dtype"])
    return np.clip(np.round(values / scale) + zero, limits.min, limits.max).astype(detail["dtype"])


def _dequantised(values: np.ndarray, detail: dict) -> np.ndarray:
    scale, zero = detail["quantization"]
    return values if detail["dtype"] == np.float32 else (values.astype(np.float32) - zero) * np.float32(scale)
