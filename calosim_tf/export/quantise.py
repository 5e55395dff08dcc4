"""Post-training quantisation of a generator to integers: the network alone, its physics stays in floating point."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.operations import result_names
from calosim_tf.export.parts import Part
from calosim_tf.export.tflite import converted, converter
from calosim_tf.latents import draw_latents

# Draws whose local errors rank the layers
RANKING_DRAWS = 32
# Seed of the latents of calibration: apart from those of checks
CALIBRATION_SEED = 20210517
LAST_LAYER = "showers"
RELATIVE = "relative_error"

Options = tf.lite.experimental.QuantizationDebugOptions


def representative(part: Part, batch: int, draws: int) -> Callable[[], Iterator[dict[str, np.ndarray]]]:
    """Calls of ``batch`` showers with latents by their law and conditions over the whole range, ``draws`` in all."""
    calls = -(-draws // batch)
    latent = draw_latents(part.generator.latent, CALIBRATION_SEED, 0, calls * batch)
    label = part.label(*part.particles(max(2, calls * batch), CALIBRATION_SEED))

    def examples() -> Iterator[dict[str, np.ndarray]]:
        for first in range(0, calls * batch, batch):
            yield {"latent": latent[first : first + batch], "condition": label[first : first + batch]}

    return examples


def int16x8_model(part: Part, batch: int, draws: int) -> bytes:
    """Activations of 16 bits and weights of 8; what the converter has no integer kernel for stays floating point."""
    prepared = _calibrated_converter(part, batch, draws)
    prepared.target_spec.supported_ops = [
        tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8,
        tf.lite.OpsSet.TFLITE_BUILTINS,
    ]
    return converted(prepared)


class Int8Quantiser:
    """A network calibrated once, and quantised to 8 bits with any of its layers left in floating point.

    Parameters
    ----------
    part : Part
    batch : int
        Showers per call.
    draws : int
        Showers of the calibration.
    integer_io : bool
        Inputs and output are integers too; otherwise they are floating point with a conversion behind each.

    Raises
    ------
    UnsupportedFormat
        An operation has no TensorFlow Lite counterpart.
    """

    def __init__(self, part: Part, batch: int, draws: int, integer_io: bool = False):
        self.part, self.batch, self.integer_io = part, batch, integer_io
        prepared = _calibrated_converter(part, batch, draws)
        prepared.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
        self._debugger = _debugger(prepared, self._ranking_data, self._options(()))
        self.nodes = layers_of(result_names(self._debugger.calibrated_model))

    def model(self, in_float: Iterable[str] = ()) -> bytes:
        """The quantised model, with the layers of these names in floating point."""
        denied = [node for layer in in_float for node in self.nodes[layer]]
        if denied:
            self._debugger.options = self._options(denied)
        return self._debugger.get_nondebug_quantized_model()

    def errors(self) -> dict[str, float]:
        """Layer -> largest error of one of its operations alone, over the size of its result; worst first.

        Each operation is run in both kinds on the same (quantised) inputs, so that errors do not add up along the
        network.
        """
        self._debugger.options = self._options(())
        self._debugger.run()
        layer_of = {node: layer for layer, nodes in self.nodes.items() for node in nodes}
        found: dict[str, float] = {}
        for name, statistics in self._debugger.layer_statistics.items():
            layer = layer_of.get(_node_of(name, layer_of))
            if layer is not None:
                found[layer] = max(found.get(layer, 0.0), float(statistics[RELATIVE]))
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def _options(self, denied: Iterable[str]) -> Options:
        return Options(
            denylisted_nodes=list(denied),
            layer_direct_compare_metrics={RELATIVE: _relative_error},
            fully_quantize=self.integer_io,
        )

    def _ranking_data(self) -> Iterator[list[np.ndarray]]:
        """As the debugger takes its data: inputs in the order of the model, of its types."""
        details = tf.lite.Interpreter(model_content=self._debugger.quant_model).get_input_details()
        for example in representative(self.part, self.batch, max(RANKING_DRAWS, self.batch))():
            values = []
            for detail in details:
                (name,) = [name for name in example if name in detail["name"]]
                scale, zero = detail["quantization"]
                x = example[name]
                values.append(x if not scale else np.clip(np.round(x / scale) + zero, -128, 127).astype(np.int8))
            yield values


def layers_of(results: Iterable[str]) -> dict[str, list[str]]:
    """Layer -> names of the results of its operations, from names like ``generator/hidden_0/MatMul``."""
    found: dict[str, list[str]] = {}
    for name in results:
        parts = name.split(";")[0].split("/")
        found.setdefault(parts[1] if len(parts) > 2 else LAST_LAYER, []).append(name)
    return found


def _calibrated_converter(part: Part, batch: int, draws: int) -> tf.lite.TFLiteConverter:
    prepared = converter(part.network, batch)
    prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    prepared.representative_dataset = representative(part, batch, draws)
    return prepared


def _debugger(prepared, data, options: Options) -> tf.lite.experimental.QuantizationDebugger:
    try:
        return tf.lite.experimental.QuantizationDebugger(converter=prepared, debug_dataset=data, debug_options=options)
    except (RuntimeError, ValueError, tf.errors.OpError) as error:
        raise UnsupportedFormat(first_line(error)) from error


def _relative_error(real: np.ndarray, integer: np.ndarray, scale: float, zero: int) -> float:
    size = float(np.linalg.norm(real))
    return float(np.linalg.norm(real - scale * (integer.astype(np.float32) - zero))) / size if size else 0.0


def _node_of(verified: str, known: Iterable[str]) -> str | None:
    """Result that a verification of the debugger belongs to: ``NumericVerify/<name><digits>:<number>``."""
    name = verified.removeprefix("NumericVerify/").rpartition(":")[0]
    return next(
        (node for node in sorted(known, key=len, reverse=True) if re.fullmatch(rf"{re.escape(node)}\d*", name)), None
    )
