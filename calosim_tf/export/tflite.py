"""Generators as TensorFlow Lite models of fixed batch size, in floating point or with quantised weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import tensorflow as tf

from calosim_tf.bundle.sidecar import ModelFile
from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.parts import OUTPUT, raw_function
from calosim_tf.export.quiet import quiet_converter

# The converter gives single signatures this name
SIGNATURE = "serving_default"


def converter(network: keras.Model, batch: int) -> tf.lite.TFLiteConverter:
    """Converter of a network for calls of ``batch`` showers; a free batch size would turn XNNPACK off."""
    return tf.lite.TFLiteConverter.from_concrete_functions([raw_function(network, batch)], network)


def converted(prepared: tf.lite.TFLiteConverter) -> bytes:
    """The model that a converter gives; :class:`UnsupportedFormat` where an operation has no counterpart."""
    try:
        with quiet_converter():
            return prepared.convert()
    except Exception as error:  # the converter's own class has no other base and no public name
        raise UnsupportedFormat(first_line(error)) from error


def float_model(network: keras.Model, batch: int, kind: str = "tflite") -> bytes:
    """A network without calibration.

    Parameters
    ----------
    network : keras.Model
    batch : int
    kind : {'tflite', 'tflite_fp16', 'tflite_dynamic'}
        float32; weights of 16 bits, which a CPU turns back into 32 when it loads them; weights of 8 bits, whose
        products are integer where there is a kernel for it, with activations quantised call by call.
    """
    prepared = converter(network, batch)
    if kind != "tflite":
        prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "tflite_fp16":
        prepared.target_spec.supported_types = [tf.float16]
    return converted(prepared)


def tflite_file(model: bytes, batch: int, path: Path | str = "model.tflite") -> ModelFile:
    """Record of a model, with the type of its output."""
    output = tf.lite.Interpreter(model_content=model).get_signature_runner(SIGNATURE).get_output_details()[OUTPUT]
    return ModelFile(
        path=Path(path).name,
        sha256=hashlib.sha256(model).hexdigest(),
        bytes=len(model),
        batch=batch,
        dtype=output["dtype"].__name__,
        signature=SIGNATURE,
    )
