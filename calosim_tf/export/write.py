"""Write a bundle: every network in every format asked for, checked against the network it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from calosim_tf import __version__
from calosim_tf.bundle.card import write_card
from calosim_tf.bundle.checks import size_of, sum_of
from calosim_tf.bundle.describe import cell_order_words, central_values, incident_energy_words, layer_table
from calosim_tf.bundle.folder import bundle_folder
from calosim_tf.bundle.sidecar import FORMATS, ModelFile, NetworkRecord, Sidecar, write_sidecar
from calosim_tf.errors import ConfigError
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.lwtnn import lwtnn_model
from calosim_tf.export.onnx import onnx_model
from calosim_tf.export.parity import check_parity
from calosim_tf.export.parts import Part, load_parts
from calosim_tf.export.saved_model import RAW, ExportedGenerator
from calosim_tf.export.tflite import SIGNATURE, float_model
from calosim_tf.files import read_json, write_json
from calosim_tf.training.run_folder import RunFolder

# Packages whose versions stand in the sidecar
RECORDED = ("tensorflow", "keras", "numpy", "tf2onnx", "onnx", "onnxruntime")
METRIC_KEYS = ("value", "error", "reference_vs_reference", "n", "unit")


@dataclass(frozen=True)
class ExportOptions:
    """What to write.

    Attributes
    ----------
    formats : tuple of str
        Of :data:`calosim_tf.bundle.sidecar.FORMATS`.
    batches : tuple of int
        Showers per call of the formats of fixed batch size.
    skip_unsupported : bool
        Record why a format cannot hold a network, and go on, instead of ending with an error.
    seed : int
        Of particles and latents for checks.
    """

    formats: tuple[str, ...]
    batches: tuple[int, ...] = (1, 100)
    skip_unsupported: bool = False
    seed: int = 0


def export(run: RunFolder, out: Path, options: ExportOptions, force: bool = False) -> Sidecar:
    """Write the bundle of a run; nothing is there unless all of it is.

    Raises
    ------
    ConfigError
        A format cannot hold a network.
    CalosimError
        The run cannot be loaded, the folder cannot be written, or an exported network gives other numbers.
    """
    with bundle_folder(out, force) as folder:
        parts = load_parts(run)
        records = [
            _exported(part, folder, "model" if len(parts) == 1 else f"model_{part.name}", options) for part in parts
        ]
        sidecar = describe(run, parts, records)
        parity = check_parity(folder, parts, sidecar, options.seed)
        write_json(folder / "parity.json", parity)
        write_card(folder, sidecar, parity)
        write_sidecar(folder, sidecar)
    return sidecar


def _exported(part: Part, folder: Path, stem: str, options: ExportOptions) -> NetworkRecord:
    files, missing = {}, {}
    for kind in (kind for kind in FORMATS if kind in options.formats):
        try:
            files[kind] = tuple(WRITERS[kind](part, folder, stem, kind, options))
        except UnsupportedFormat as error:
            if not options.skip_unsupported:
                raise ConfigError(
                    f"--format {kind}: network {part.name} cannot be written ({error}): leave this format out"
                ) from error
            missing[kind] = str(error)
    return replace(part.record(), files=files, not_available=missing)


def _saved_model(part: Part, folder: Path, stem: str, kind: str, options: ExportOptions) -> list[ModelFile]:
    path = folder / f"{stem}.saved_model"
    ExportedGenerator(part).save(path)
    return [model_file(path, signature=RAW)]


def _onnx(part: Part, folder: Path, stem: str, kind: str, options: ExportOptions) -> list[ModelFile]:
    return [stored(folder / f"{stem}.onnx", onnx_model(part.network))]


def _lwtnn(part: Part, folder: Path, stem: str, kind: str, options: ExportOptions) -> list[ModelFile]:
    return [stored(folder / f"{stem}.lwtnn.json", lwtnn_model(part.network))]


def _float_tflite(part: Part, folder: Path, stem: str, kind: str, options: ExportOptions) -> list[ModelFile]:
    return [
        stored(
            folder / tflite_name(stem, kind, batch),
            float_model(part.network, batch, kind),
            batch=batch,
            signature=SIGNATURE,
        )
        for batch in sorted(options.batches)
    ]


# Format -> what writes it: (part, folder, stem, format, options) -> files
WRITERS: dict[str, Callable[[Part, Path, str, str, ExportOptions], list[ModelFile]]] = {
    "saved_model": _saved_model,
    "tflite": _float_tflite,
    "tflite_fp16": _float_tflite,
    "tflite_dynamic": _float_tflite,
    "onnx": _onnx,
    "lwtnn": _lwtnn,
}


def tflite_name(stem: str, kind: str, batch: int) -> str:
    """``model.int8.b100.tflite``."""
    return ".".join([stem, *kind.split("_")[1:], f"b{batch}", "tflite"])


def stored(path: Path, content: bytes, **facts: Any) -> ModelFile:
    """Write a file of the bundle and describe it."""
    path.write_bytes(content)
    return model_file(path, **facts)


def model_file(path: Path, **facts: Any) -> ModelFile:
    """Record of a file, or of a folder, that is there."""
    return ModelFile(path=path.name, sha256=sum_of(path), bytes=size_of(path), **facts)


def describe(run: RunFolder, parts: list[Part], records: list[NetworkRecord]) -> Sidecar:
    """What the sidecar says of the whole."""
    experiment, detector = run.experiment(), parts[0].generator.detector
    iterations = " + ".join(str(part.iteration) for part in parts)
    return Sidecar(
        experiment=experiment.name,
        paper=experiment.paper,
        source=f"trained on {run.data().get('source', 'unknown data')}, iteration {iterations}",
        detector=detector.name,
        particle=detector.particle,
        incident_energy=incident_energy_words(detector),
        attributes=detector.attributes,
        central=central_values(detector),
        n_cells=detector.n_voxels,
        cell_order=cell_order_words(detector),
        layers=layer_table(detector),
        threshold_mev=detector.threshold_mev,
        networks=tuple(records),
        versions={"calosim_tf": __version__} | {name: version for name in RECORDED if (version := _version(name))},
        metrics=_metrics(run),
    )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _metrics(run: RunFolder) -> dict[str, Any]:
    """Headline metrics of the run's report, with what they were judged against."""
    path = run.report / "metrics.json"
    if not path.is_file():
        return {}
    document = read_json(path, "the metrics of a report")
    rows = {
        name: {key: entry[key] for key in METRIC_KEYS if key in entry}
        for name, entry in document["metrics"].items()
        if entry.get("metric", name) == name
    }
    return {"reference": document["reference"]["source"], "values": rows}
