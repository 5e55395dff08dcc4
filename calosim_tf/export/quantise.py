"""Post-training quantisation of a generator to integers: the network alone, its physics stays in floating point."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import tensorflow as tf

from calosim_tf.data.layer_energies import LayerEnergyNormalisation
from calosim_tf.export.formats import UnsupportedFormat, first_line
from calosim_tf.export.operations import result_names
from calosim_tf.export.parts import Part
from calosim_tf.export.tflite import converted, converter
from calosim_tf.latents import draw_latents
from calosim_tf.quiet import quiet_stderr

# Seed of the latents of calibration: apart from those of checks
CALIBRATION_SEED = 20210517
LAST_LAYER = "showers"

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
        try:
            with quiet_stderr():
                self._debugger = tf.lite.experimental.QuantizationDebugger(
                    converter=prepared, debug_options=self._options(())
                )
        except Exception as error:  # the converter's own class has no other base and no public name
            raise UnsupportedFormat(first_line(error)) from error
        self._nodes = layers_of(result_names(self._debugger.calibrated_model))

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers, in the order in which they act."""
        return tuple(self._nodes)

    def model(self, in_float: Iterable[str] = ()) -> bytes:
        """The quantised model, with the layers of these names in floating point."""
        denied = [node for layer in in_float for node in self._nodes[layer]]
        with quiet_stderr():
            with contextlib.suppress(ValueError):
                # raised when no operation is left whose result could be verified; it is raised for nothing else here
                self._debugger.options = self._options(denied)
            return self._debugger.get_nondebug_quantized_model()

    def _options(self, denied: Iterable[str]) -> Options:
        return Options(denylisted_nodes=list(denied), fully_quantize=self.integer_io)


def layers_of(results: Iterable[str]) -> dict[str, list[str]]:
    """Layer -> names of the results of its operations, from names like ``generator/hidden_0/MatMul``."""
    found: dict[str, list[str]] = {}
    for name in results:
        parts = name.split(";")[0].split("/")
        found.setdefault(parts[1] if len(parts) > 2 else LAST_LAYER, []).append(name)
    return found


def _calibrated_converter(part: Part, batch: int, draws: int) -> tf.lite.TFLiteConverter:
    if isinstance(part.generator.normalisation, LayerEnergyNormalisation):
        # tried: the converter ends the process on all operations, and on the dense layers alone the showers are empty
        raise UnsupportedFormat(
            "a factorised generator computes energies in MeV inside, from 0 to 10^6, which integers of one scale per "
            "tensor lose; export tflite or onnx"
        )
    prepared = converter(part.network, batch)
    prepared.optimizations = [tf.lite.Optimize.DEFAULT]
    prepared.representative_dataset = representative(part, batch, draws)
    return prepared
