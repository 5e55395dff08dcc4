"""Write a bundle: every network in every format asked for, checked against the network it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import keras

from calosim_tf import __version__
from calosim_tf.bundle.card import write_card
from calosim_tf.bundle.checks import size_of, sum_of
from calosim_tf.bundle.describe import cell_order_words, central_values, incident_energy_words, layer_table
from calosim_tf.bundle.folder import bundle_folder
from calosim_tf.bundle.sidecar import FORMATS, ModelFile, NetworkRecord, Sidecar, write_sidecar
from calosim_tf.errors import ConfigError
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.integer import checking, integer_models, recorded, write_judgement
from calosim_tf.export.lwtnn import lwtnn_model
from calosim_tf.export.onnx import onnx_model
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parity import check_parity
from calosim_tf.export.parts import Part, load_parts
from calosim_tf.export.saved_model import RAW, SHOWERS, ExportedGenerator, RoutedGenerator
from calosim_tf.export.tflite import float_model
from calosim_tf.files import read_json, write_json
from calosim_tf.progress import progress
from calosim_tf.training.run_folder import RunFolder

# Packages whose versions stand in the sidecar
RECORDED = ("tensorflow", "keras", "numpy", "tf2onnx", "onnx", "onnxruntime")
# Formats of one file for any number of showers: ending, and what makes it
WHOLE_FILES: dict[str, tuple[str, Callable[[keras.Model], bytes]]] = {
    "onnx": ("onnx", onnx_model),
    "lwtnn": ("lwtnn.json", lwtnn_model),
}
INTEGER = ("tflite_int8", "tflite_int16x8")
METRIC_KEYS = ("value", "error", "reference_vs_reference", "n", "unit")


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
        stems = ["model"] if len(parts) == 1 else [f"model_{part.name}" for part in parts]
        records = [
            PartWriter(*item, options).record() for item in zip(parts, [folder] * len(parts), stems, strict=True)
        ]
        sidecar = describe(run, parts, records)
        if len(parts) > 1 and "saved_model" in options.formats:
            path = folder / "routed.saved_model"
            RoutedGenerator(parts).save(path)
            sidecar = replace(sidecar, routed=_described(path, SHOWERS))
        parity = check_parity(folder, parts, sidecar, options.seed)
        write_json(folder / "parity.json", parity)
        write_card(folder, sidecar, parity)
        write_sidecar(folder, sidecar)
    return sidecar


class PartWriter:
    """Files of one network in the formats asked for.

    Parameters
    ----------
    part : Part
    folder : Path
        Of the bundle.
    stem : str
        Begin of the names of the files.
    options : ExportOptions
    """

    def __init__(self, part: Part, folder: Path, stem: str, options: ExportOptions):
        self.part, self.folder, self.stem, self.options = part, folder, stem, options
        self._float: dict[int, bytes] = {}

    def record(self) -> NetworkRecord:
        """Write the files; what the sidecar says of the network and them.

        Raises
        ------
        ConfigError
            A format cannot hold the network, and unsupported formats are not skipped.
        """
        files, missing = {}, {}
        wanted = [kind for kind in FORMATS if kind in self.options.formats]
        for kind in progress(wanted, len(wanted), f"exporting {self.part.name}"):
            try:
                files[kind] = tuple(self._files(kind))
            except UnsupportedFormat as error:
                if not self.options.skip_unsupported:
                    raise ConfigError(
                        f"--format {kind}: network {self.part.name} cannot be written ({error}): leave this format out"
                    ) from error
                missing[kind] = str(error)
        return replace(self.part.record(), files=files, not_available=missing)

    def _files(self, kind: str) -> list[ModelFile]:
        network = self.part.network
        if kind == "saved_model":
            path = self.folder / f"{self.stem}.saved_model"
            ExportedGenerator(self.part).save(path)
            return [_described(path, RAW)]
        if kind in WHOLE_FILES:
            path = self.folder / f"{self.stem}.{WHOLE_FILES[kind][0]}"
            path.write_bytes(WHOLE_FILES[kind][1](network))
            return [_described(path)]
        if kind in INTEGER:
            return self._integer(kind)
        models = {batch: self._float_model(batch, kind) for batch in self.options.batches}
        return [recorded(self._tflite_path(kind, batch), model, batch) for batch, model in models.items()]

    def _integer(self, kind: str) -> list[ModelFile]:
        check = checking(self.part, self.options)
        models, found = integer_models(self.part, kind, self.options, check)
        files = {batch: recorded(self._tflite_path(kind, batch), model, batch) for batch, model in models.items()}
        beside = {batch: (files[batch], models[batch], self._float_model(batch)) for batch in models}
        write_judgement(self.folder, self.part, kind, beside, found, check, self.options)
        return list(files.values())

    def _float_model(self, batch: int, kind: str = "tflite") -> bytes:
        """Model without calibration; that in float32 is kept, as others are set against it."""
        if kind != "tflite":
            return float_model(self.part.network, batch, kind)
        if batch not in self._float:
            self._float[batch] = float_model(self.part.network, batch)
        return self._float[batch]

    def _tflite_path(self, kind: str, batch: int) -> Path:
        """``model.int8.b100.tflite``."""
        return self.folder / ".".join([self.stem, *kind.split("_")[1:], f"b{batch}", "tflite"])


def _described(path: Path, signature: str = "") -> ModelFile:
    """Record of a file, or of a folder, that is there."""
    return ModelFile(path=path.name, sha256=sum_of(path), bytes=size_of(path), signature=signature)


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
