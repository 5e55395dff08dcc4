"""Generators as TensorFlow Lite models of fixed batch size, in floating point or with quantised weights."""

from __future__ import annotations

import hashlib
from pathlib import Path

import keras
import tensorflow as tf

from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord
from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.parts import OUTPUT, raw_function
from calosim_tf.export.runners import Runner, in_calls
from calosim_tf.export.writing import NetworkWriter
from calosim_tf.inference.tflite import TfliteEngine
from calosim_tf.keras_compat import exported, lite_interpreter
from calosim_tf.quiet import quiet_stderr

# The converter gives single signatures this name
SIGNATURE = "serving_default"


def converter(network: keras.Model, batch: int) -> tf.lite.TFLiteConverter:
    """Converter of a network for calls of ``batch`` showers; a free batch size would turn XNNPACK off."""
    return tf.lite.TFLiteConverter.from_concrete_functions([raw_function(network, batch)], exported(network))


def converted(prepared: tf.lite.TFLiteConverter) -> bytes:
    """The model that a converter gives; :class:`UnsupportedFormat` where an operation has no counterpart."""
    try:
        with quiet_stderr():
            return prepared.convert()
    except Exception as error:  # the converter's own class has no other base and no public name
        raise UnsupportedFormat(first_line(error)) from error


def float_model(network: keras.Model, batch: int) -> bytes:
    """A network in float32, for calls of ``batch`` showers."""
    return converted(converter(network, batch))


def dynamic_model(network: keras.Model, batch: int) -> bytes:
    """Weights of 8 bits, products in integers where there is a kernel for it, activations quantised call by call."""
    prepared = converter(network, batch)
    prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    return converted(prepared)


def float16_model(network: keras.Model, batch: int) -> bytes:
    """Weights of 16 bits, which a CPU turns back into 32 when it loads them."""
    prepared = converter(network, batch)
    prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    prepared.target_spec.supported_types = [tf.float16]
    return converted(prepared)


def kept_float_model(network: NetworkWriter, batch: int) -> bytes:
    """The float32 model of a network that is being written, made once."""
    if batch not in network.float_models:
        network.float_models[batch] = float_model(network.part.network, batch)
    return network.float_models[batch]


def write(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the models in float32 into a bundle."""
    return stored(network, kind, {batch: kept_float_model(network, batch) for batch in network.options.batches})


def write_float16(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the models with weights of 16 bits into a bundle.

    Raises
    ------
    UnsupportedFormat
        The network holds energies in MeV, which may lie above the largest number of 16 bits.
    """
    if isinstance(network.part.generator.normalisation, LayerEnergyNormalisation):
        raise UnsupportedFormat(
            "a factorised generator holds energies in MeV, some above 65 504, the largest number of 16 bits; export "
            "tflite or onnx"
        )
    models = {batch: float16_model(network.part.network, batch) for batch in network.options.batches}
    return stored(network, kind, models)


def write_dynamic(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the models with weights of 8 bits and without calibration into a bundle."""
    models = {batch: dynamic_model(network.part.network, batch) for batch in network.options.batches}
    return stored(network, kind, models)


def stored(network: NetworkWriter, kind: Format, models: dict[int, bytes]) -> list[ModelFile]:
    """Write models, showers per call -> content, and describe them.

    Raises
    ------
    UnsupportedFormat
        The interpreter cannot run what the converter made.
    """
    files = []
    for batch, model in models.items():
        require_runs(model)
        path = network.path(kind, batch)
        path.write_bytes(model)
        files.append(tflite_file(model, batch, path))
    return files


def require_runs(model: bytes) -> None:
    """Call a model once; :class:`UnsupportedFormat` where the interpreter lacks a kernel that the converter counts on.

    TensorFlow 2.15 converts ``tile`` to activations of 16 bits, for example, and cannot run it.
    """
    with quiet_stderr():
        interpreter = lite_interpreter(model_content=model)
        try:
            interpreter.allocate_tensors()
            interpreter.invoke()
        except RuntimeError as error:
            raise UnsupportedFormat(first_line(error)) from error


def run_file(folder: Path, record: NetworkRecord, file: ModelFile) -> Runner:
    """A model in TensorFlow's own interpreter, to check it with."""
    return tflite_runner((folder / file.path).read_bytes(), file)


def tflite_runner(model: bytes, file: ModelFile) -> Runner:
    """A TensorFlow Lite model of fixed batch as a function of any number of showers, integers turned into numbers."""
    # TensorFlow's own interpreter: the extra of the other one need not be installed to export
    with quiet_stderr():
        engine = TfliteEngine(
            {file.batch: model}, file.signature, file.inputs, file.output, interpreter=lite_interpreter
        )
    return in_calls(engine)


def network_engine(network: keras.Model, batch: int) -> TfliteEngine:
    """A network in LiteRT's interpreter without a bundle, for calls of up to ``batch`` showers."""
    return TfliteEngine({batch: float_model(network, batch)})


def tflite_file(model: bytes, batch: int, path: Path | str = "model.tflite") -> ModelFile:
    """Record of a model, with the type of its output."""
    output = lite_interpreter(model_content=model).get_signature_runner(SIGNATURE).get_output_details()[OUTPUT]
    return ModelFile(
        path=Path(path).name,
        sha256=hashlib.sha256(model).hexdigest(),
        bytes=len(model),
        batch=batch,
        dtype=output["dtype"].__name__,
        signature=SIGNATURE,
    )
