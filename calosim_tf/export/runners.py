"""Exported files as functions of latent and condition, to check them with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf

from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
from calosim_tf.export.quiet import quiet_converter
from calosim_tf.inference.engine import Engine
from calosim_tf.inference.onnx import OnnxEngine
from calosim_tf.inference.tflite import TfliteEngine

# (latent, condition) -> outputs of one shower each, flat
Runner = Callable[[np.ndarray, np.ndarray], np.ndarray]


def runner(folder: Path, network: NetworkRecord, kind: str, file: ModelFile) -> Runner:
    """A file of a bundle as a function of any number of showers."""
    path = folder / file.path
    if kind == "saved_model":
        raw = tf.saved_model.load(str(path)).signatures[file.signature]
        return lambda latent, condition: _flat(
            raw(latent=tf.constant(latent), condition=tf.constant(condition))[file.output].numpy()
        )
    if kind == "onnx":
        return _in_calls(OnnxEngine.from_bundle(folder, network))
    if kind == "lwtnn":
        return LwtnnNetwork.read(path)
    return tflite_runner(path.read_bytes(), file)


def tflite_runner(model: bytes, file: ModelFile) -> Runner:
    """A TensorFlow Lite model of fixed batch as a function of any number of showers, integers turned into numbers."""
    # TensorFlow's own interpreter: the extra of the other one need not be installed to export
    with quiet_converter():
        engine = TfliteEngine(
            {file.batch: model}, file.signature, file.inputs, file.output, interpreter=tf.lite.Interpreter
        )
    return _in_calls(engine)


def _in_calls(engine: Engine) -> Runner:
    worker = engine.worker()

    def run(latent: np.ndarray, condition: np.ndarray) -> np.ndarray:
        step = engine.largest_call or len(latent)
        # a worker's array is good until its next call
        blocks = [
            worker(latent[first : first + step], condition[first : first + step]).copy()
            for first in range(0, len(latent), step)
        ]
        return np.concatenate(blocks)

    return run


def _flat(outputs: np.ndarray) -> np.ndarray:
    return outputs.reshape(len(outputs), -1)
