"""Integer formats of one network: calibrated, quantised, partly returned to floating point, and judged by physics."""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from calosim_tf.benchmark.clocks import ratio_spread
from calosim_tf.benchmark.protocol import InferenceProtocol, bench_protocol
from calosim_tf.bundle.formats import Format
from calosim_tf.bundle.sidecar import ModelFile
from calosim_tf.data.bundled import bundled_sample
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.source import load_source
from calosim_tf.errors import ConfigError, DataError, ExportError
from calosim_tf.export.fallback import Search, search
from calosim_tf.export.operations import count_operations
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parts import Part
from calosim_tf.export.quantisation_physics import CHANGES, Check, against_reference, per_energy
from calosim_tf.export.quantisation_report import write_report
from calosim_tf.export.quantise import Int8Quantiser, int16x8_model
from calosim_tf.export.tflite import SIGNATURE, kept_float_model, stored, tflite_runner
from calosim_tf.export.writing import NetworkWriter
from calosim_tf.keras_compat import lite_interpreter

# One core, so that two kernels are compared and not two ways of sharing work out (`calosim bench generate` does that)
THREADS = 1
# Showers that a quantised network is judged on (our choice): 2000, or fewer where they have many cells
EVENTS, EVENT_CELLS = 2_000, 8_000_000
# One in this many of them ranks the layers, of which a network may have a hundred
RANKING_SHARE = 8
# Readings of the clock, fewer for calls that take long (our choice)
READINGS, FEW_READINGS, LONG_CALL_S = 12, 3, 1.0
# A single call of some microseconds is timed cold, and says nothing about the next
READING_S, MOST_CALLS = 0.02, 1000


def write_int8(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the models of 8 bits into a bundle, and what they change."""
    check = checking(network.part, network.options)
    models, found = int8_models(network.part, network.options, check)
    return _judged(network, kind, models, found, check)


def write_int16x8(network: NetworkWriter, kind: Format) -> list[ModelFile]:
    """Write the models with activations of 16 bits into a bundle, and what they change."""
    part, options = network.part, network.options
    models = {batch: int16x8_model(part, batch, options.draws) for batch in options.batches}
    return _judged(network, kind, models, None, checking(part, options))


def _judged(
    network: NetworkWriter, kind: Format, models: dict[int, bytes], found: Search | None, check: Check
) -> list[ModelFile]:
    """Write integer models and their report."""
    files = stored(network, kind, models)
    beside = {file.batch: (file, models[file.batch], kept_float_model(network, file.batch)) for file in files}
    write_judgement(network.folder, network.part, kind.name, beside, found, check, network.options)
    return files


def int8_models(part: Part, options: ExportOptions, check: Check) -> tuple[dict[int, bytes], Search | None]:
    """Showers per call -> model, and what the search for layers in floating point found (None if not requested).

    Raises
    ------
    UnsupportedFormat
        An operation has no TensorFlow Lite counterpart.
    ExportError
        A tolerance is exceeded with every layer in floating point.
    """
    quantisers = {batch: Int8Quantiser(part, batch, options.draws, options.integer_io) for batch in options.batches}
    found = None
    if options.tolerances:
        ranking = Check.over_energies(part, len(check.energy_mev) // RANKING_SHARE, options.seed)
        found = search(quantisers[max(quantisers)], check, ranking, options.tolerances)
    if found and not found.holds:
        last = ", ".join(f"{name} {value:.3g}" for name, value in found.trace[-1]["metrics"].items())
        raise ExportError(
            f"network {part.name}: found {last} with all layers in floating point, expected what --tolerance says: "
            "allow more"
        )
    layers = found.layers if found else ()
    return {batch: quantiser.model(layers) for batch, quantiser in quantisers.items()}, found


def checking(part: Part, options: ExportOptions) -> Check:
    """Particles and latents that a network is judged on."""
    return Check.over_energies(part, options.events or default_events(part), options.seed)


def default_events(part: Part) -> int:
    """Showers of a check by default."""
    return min(EVENTS, EVENT_CELLS // part.generator.detector.n_voxels)


def write_judgement(
    folder: Path,
    part: Part,
    kind: str,
    models: dict[int, tuple[ModelFile, bytes, bytes]],
    found: Search | None,
    check: Check,
    options: ExportOptions,
) -> None:
    """Report of an integer format, as JSON, page and plots.

    Parameters
    ----------
    folder : Path
        Of the bundle.
    part : Part
    kind : str
    models : dict
        Showers per call -> record and content of the quantised model, content of the one in floating point.
    found : Search or None
    check : Check
    options : ExportOptions
    """
    word = kind.removeprefix("tflite_")
    file, content, _ = models[max(models)]
    run = tflite_runner(content, file)
    after = check.after(run, word)
    report = {
        "format": word,
        "experiment": part.experiment.name,
        "network": part.name,
        "calibration_draws": options.draws,
        "integer_inputs_and_output": file.dtype != "float32",
        "threads": THREADS,
        "showers": len(check.energy_mev),
        "files": [_cost(part, *item) for item in models.values()],
        "changes": check.changes(after, [*CHANGES, *(name for name in options.tolerances if name not in CHANGES)]),
        "per_energy": per_energy(check.before, after),
        "fallback": None if found is None else {"tolerances": options.tolerances, **asdict(found)},
        "reference": _against_monte_carlo(part, run, word, options),
    }
    name = "" if part.name == "generator" else f"_{part.name}"
    write_report(folder, f"quantisation_{word}{name}", report, check.before, after)


def _against_monte_carlo(part: Part, run, word: str, options: ExportOptions) -> dict[str, Any] | None:
    reference = _reference(part, options)
    if reference is None:
        return None
    check = Check.like(part, reference, options.seed)
    return {
        "source": reference.source,
        "showers": len(reference),
        "metrics": against_reference(check, check.after(run, word), reference),
    }


def _reference(part: Part, options: ExportOptions) -> ShowerSet | None:
    """Monte Carlo in the range of a network; None without a file of it."""
    data, detector = part.experiment.data, part.generator.detector
    bounds = {"energy_min_mev": data.energy_min_mev, "energy_max_mev": data.energy_max_mev}
    events = options.events or default_events(part)
    if options.reference is not None:
        return load_source([options.reference], detector, holdout_fraction=0.0, **bounds).train_set(events)
    try:
        sample = bundled_sample(data.layout)
        return load_source([sample], detector, holdout_fraction=data.holdout_fraction, **bounds).holdout_set(events)
    except (ConfigError, DataError):
        # no sample of this detector, or none in this range of energy
        return None


def _cost(part: Part, file: ModelFile, quantised: bytes, floating: bytes) -> dict[str, Any]:
    """Size, operations and time of a quantised model beside those of float32."""
    operations = count_operations(quantised)
    ratio, readings = _time_ratio(part, file.batch, quantised, floating)
    return {
        "file": file.path,
        "batch": file.batch,
        "bytes": len(quantised),
        "float_bytes": len(floating),
        "size_ratio": len(floating) / len(quantised),
        "time_over_float32": ratio,
        "readings": readings,
        "operations": operations.to_dict(),
        "in_words": operations.in_words(),
    }


def _time_ratio(part: Part, batch: int, quantised: bytes, floating: bytes) -> tuple[dict[str, float], int]:
    """Time of a call over that of float32, taken in turn on the same threads, and the number of readings."""
    calls = {"quantised": _bare_call(part, batch, quantised), "float32": _bare_call(part, batch, floating)}
    start = time.perf_counter()
    for call in calls.values():
        call()
    seconds = time.perf_counter() - start
    steps = READINGS if seconds < LONG_CALL_S else FEW_READINGS
    repeats = min(MOST_CALLS, math.ceil(READING_S / seconds))
    protocol = InferenceProtocol(batch=batch, steps=steps, batches_per_step=repeats, warm_up_batches=repeats)
    readings = bench_protocol(calls, protocol)
    return ratio_spread(readings["quantised"], readings["float32"]), steps


def _bare_call(part: Part, batch: int, model: bytes):
    """A call of a model with its inputs in place."""
    interpreter = lite_interpreter(model_content=model, num_threads=THREADS)
    call = interpreter.get_signature_runner(SIGNATURE)
    rng = np.random.default_rng(0)
    inputs = {}
    for name, detail in call.get_input_details().items():
        values = rng.uniform(-1.0, 1.0, detail["shape"])
        inputs[name] = (values if detail["dtype"] == np.float32 else 100 * values).astype(detail["dtype"])
    return lambda: call(**inputs)
