"""The formats of a bundle: one record each (no TensorFlow).

The record names what writes and runs a format, and it is imported when it is used.  A program that runs one format
therefore needs neither TensorFlow nor the packages of the others.  A new format is a record here and a module that
writes and runs it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True)
class Format:
    """A format of exported networks.

    Functions are given as ``module:name`` or ``module:class.method``.

    Attributes
    ----------
    name : str
        As in ``--format`` and in the sidecar.
    file_name : str
        With ``{stem}`` for the network and, in formats of fixed batch size, ``{batch}`` for the showers per call.
    writer : str
        (:class:`~calosim_tf.export.writing.NetworkWriter`, format) -> list of
        :class:`~calosim_tf.bundle.sidecar.ModelFile`.
    runner : str
        (folder of the bundle, record of the network, file) -> function of latent and condition, to check a file with.
    tolerance : float or None
        Largest deviation from the folded network over its largest output, unless the network's own rounding is larger
        (:mod:`calosim_tf.export.parity`); None for formats of reduced precision, which are judged by their physics.
    usual : float or None
        Deviation up to which a format of reduced precision is as good as it gets; one beyond it is written, and card
        and command say so.
    ways : tuple of (str, str)
        Back ends and precisions of ``calosim generate`` that run it.
    loader : str
        (folder, sidecar, back end, precision, threads) -> :class:`~calosim_tf.inference.sampler.ShowerSampler`; empty
        without ``ways``.
    engine : str
        (folder, record of the network, format name) -> :class:`~calosim_tf.inference.engine.Engine`; empty where
        TensorFlow runs the format.
    network_engine : str
        (Keras network, showers per call) -> engine, without a bundle; empty without ``engine``.
    package : str
        What the back end needs, in an extra of the name of the back end (numpy is always there); empty where TensorFlow
        runs the format.
    joiner : str
        (networks of a split, folder) -> file that holds all of them as one; empty where there is none.
    converters : tuple of str
        Packages whose versions are recorded in the sidecar.
    layers_in_float : bool
        Whether ``--tolerance`` gives single layers their floating point back.
    """

    name: str
    file_name: str
    writer: str
    runner: str
    tolerance: float | None = None
    usual: float | None = None
    ways: tuple[tuple[str, str], ...] = ()
    loader: str = ""
    engine: str = ""
    network_engine: str = ""
    package: str = ""
    joiner: str = ""
    converters: tuple[str, ...] = ()
    layers_in_float: bool = False

    def function(self, role: str) -> Callable[..., Any]:
        """The function of a role (``writer``, ``runner``, ...), imported now."""
        module, _, path = getattr(self, role).partition(":")
        found = import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        return found


def _tflite(name: str, ending: str, precision: str, writer: str, **more: Any) -> Format:
    """A kind of TensorFlow Lite model, in files of fixed batch size."""
    return Format(
        name,
        f"{{stem}}{ending}.b{{batch}}.tflite",
        writer=f"calosim_tf.export.{writer}",
        runner="calosim_tf.export.tflite:run_file",
        ways=(("tflite", precision),),
        loader="calosim_tf.inference.bundle:engine_sampler",
        engine="calosim_tf.inference.tflite:TfliteEngine.from_bundle",
        network_engine="calosim_tf.export.tflite:network_engine",
        package="ai_edge_litert",
        **more,
    )


# Values of ``usual`` are our choice: above all that full-size generators show (table in docs/export.md)
FORMATS = {
    item.name: item
    for item in (
        Format(
            "saved_model",
            "{stem}.saved_model",
            writer="calosim_tf.export.saved_model:write",
            runner="calosim_tf.export.saved_model:run_file",
            # the last bit of ln E, of 9.5e-7, is that much of an energy (factorised generators); others are at 0
            tolerance=2e-6,
            ways=(("tf", "float32"), ("xla", "float32")),
            loader="calosim_tf.export.load:saved_model_sampler",
            joiner="calosim_tf.export.saved_model:write_routed",
        ),
        _tflite("tflite", "", "float32", "tflite:write", tolerance=1e-5),
        _tflite("tflite_fp16", ".fp16", "float16", "tflite:write_float16", usual=5e-3),
        _tflite("tflite_dynamic", ".dynamic", "dynamic", "tflite:write_dynamic", usual=0.1),
        _tflite("tflite_int8", ".int8", "int8", "integer:write_int8", usual=0.5, layers_in_float=True),
        _tflite("tflite_int16x8", ".int16x8", "int16x8", "integer:write_int16x8", usual=0.5),
        Format(
            "onnx",
            "{stem}.onnx",
            writer="calosim_tf.export.onnx:write",
            runner="calosim_tf.export.onnx:run_file",
            tolerance=1e-5,
            ways=(("onnx", "float32"),),
            loader="calosim_tf.inference.bundle:engine_sampler",
            engine="calosim_tf.inference.onnx:OnnxEngine.from_bundle",
            network_engine="calosim_tf.export.onnx:network_engine",
            package="onnxruntime",
            converters=("tf2onnx", "onnx", "onnxruntime"),
        ),
        Format(
            "lwtnn",
            "{stem}.lwtnn.json",
            writer="calosim_tf.export.lwtnn:write",
            runner="calosim_tf.export.lwtnn:run_file",
            tolerance=1e-5,
            ways=(("lwtnn", "float32"),),
            loader="calosim_tf.inference.bundle:engine_sampler",
            engine="calosim_tf.inference.lwtnn:LwtnnEngine.from_bundle",
            network_engine="calosim_tf.export.lwtnn:network_engine",
            package="numpy",
        ),
    )
}
