"""Write a bundle: every network in every requested format, checked against the network it came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from calosim_tf import __version__
from calosim_tf.bundle.card import PARITY, write_card
from calosim_tf.bundle.describe import cell_order_words, central_values, incident_energy_words, layer_table
from calosim_tf.bundle.folder import bundle_folder
from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord, Sidecar, write_sidecar
from calosim_tf.errors import ConfigError
from calosim_tf.export.formats import UnsupportedFormat
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.parity import check_parity
from calosim_tf.export.parts import Part, load_parts
from calosim_tf.export.writing import NetworkWriter
from calosim_tf.files import read_json, write_json
from calosim_tf.progress import progress
from calosim_tf.training.run_folder import RunFolder, installed_version

# Packages whose versions are recorded in the sidecar
RECORDED = ("tensorflow", "keras", "numpy", *(name for kind in FORMATS.values() for name in kind.converters))
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
    _require_exportable(run)
    with bundle_folder(out, force) as folder:
        parts = load_parts(run)
        stems = ["model"] if len(parts) == 1 else [f"model_{part.name}" for part in parts]
        records = [written(NetworkWriter(part, folder, stem, options)) for part, stem in zip(parts, stems, strict=True)]
        sidecar = replace(describe(run, parts, records), routed=_routed(parts, folder, options))
        parity = check_parity(folder, parts, sidecar, options.seed)
        write_json(folder / PARITY, parity)
        write_card(folder, sidecar, parity)
        write_sidecar(folder, sidecar)
    return sidecar


def _require_exportable(run: RunFolder) -> None:
    """:class:`ConfigError` for a network that says why no format holds it."""
    experiment = run.experiment()
    for part in experiment.members or (experiment,):
        if reason := getattr(part.network, "why_not_exported", ""):
            raise ConfigError(f"{run.path}: cannot be exported: {reason}; train a student and export that")


def written(network: NetworkWriter) -> NetworkRecord:
    """Write the files of a network in the requested formats; what the sidecar says of the network and them.

    Raises
    ------
    ConfigError
        A format cannot hold the network, and unsupported formats are not skipped.
    """
    files, missing, options = {}, {}, network.options
    wanted = [kind for kind in FORMATS.values() if kind.name in options.formats]
    for kind in progress(wanted, len(wanted), f"exporting {network.part.name}"):
        try:
            files[kind.name] = tuple(kind.function("writer")(network, kind))
        except UnsupportedFormat as error:
            if not options.skip_unsupported:
                raise ConfigError(
                    f"--format {kind.name}: network {network.part.name} cannot be written ({error}): leave this "
                    "format out"
                ) from error
            missing[kind.name] = str(error)
    return replace(network.part.record(), files=files, not_available=missing)


def _routed(parts: list[Part], folder: Path, options: ExportOptions) -> ModelFile | None:
    """All networks of a split in one file, in the first requested format that has such files."""
    joiners = [kind for kind in FORMATS.values() if kind.joiner and kind.name in options.formats]
    return joiners[0].function("joiner")(parts, folder) if joiners and len(parts) > 1 else None


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
        versions={"calosim_tf": __version__}
        | {name: version for name in RECORDED if (version := installed_version(name))},
        metrics=_metrics(run),
    )


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
