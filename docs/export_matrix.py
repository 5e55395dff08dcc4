"""Make the table of formats in docs/export.md: `.venv/bin/python docs/export_matrix.py [NAME | RUN ...]`.

Every generator of the package at its full size, with initial weights, is exported in every format; what the table says
is what the bundles say.  A run folder stands for its experiment where initial weights would say nothing: networks that
make empty showers, students without a teacher.  A row is printed as soon as it is there; all of them take about an
hour on two cores.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.data.source import ShowerSource
from calosim_tf.data_prep.simulate import simulate
from calosim_tf.experiments import get_experiment
from calosim_tf.experiments.generators import GENERATORS
from calosim_tf.export.operations import count_operations
from calosim_tf.export.options import ExportOptions
from calosim_tf.export.write import export
from calosim_tf.geometry import get_detector
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.untrained import write_untrained

EVENTS = {"photon": 400, "pion": 400}
# Enough for the ranges; physics is not looked at here
DRAWS, CHECKED = 16, 18


def source(layout: str) -> ShowerSource:
    """A few parametrised showers, to fit the normalisation to."""
    blocks = list(simulate(layout, EVENTS.get(layout, 16), seed=1))
    energy, showers, attributes = (
        np.concatenate([getattr(block, key) for block in blocks])
        for key in ("incident_energy_mev", "showers_mev", "attributes")
    )
    held_out, detector = np.arange(len(energy)) % 5 == 0, get_detector(layout)
    known = attributes if detector.attributes else None
    return ShowerSource(detector, energy, held_out, showers, [], "parametrised showers", known)


def row(name: str, folder: Path) -> list[str]:
    """Cells of the table for one generator, an experiment or a run folder."""
    trained = Path(name).is_dir()
    run = RunFolder(Path(name) if trained else folder / "run")
    experiment = run.experiment() if trained else get_experiment(name)
    for part in experiment.members or (experiment,):
        if reason := getattr(part.network, "why_not_exported", ""):
            return [f"n/a: {reason}"] * len(FORMATS)
    if not trained:
        write_untrained(experiment, source(experiment.data.layout), run)
    options = ExportOptions(tuple(FORMATS), batches=(1,), skip_unsupported=True, draws=DRAWS, events=CHECKED)
    export(run, folder / "bundle", options)
    sidecar = read_sidecar(folder / "bundle")
    parity = json.loads((folder / "bundle" / "parity.json").read_text())["files"]
    return [cell(kind, sidecar, parity, folder / "bundle") for kind in FORMATS]


def cell(kind: str, sidecar, parity: list[dict], bundle: Path) -> str:
    """Size and deviation of a format, or why it is not there."""
    reasons = [network.not_available[kind] for network in sidecar.networks if kind in network.not_available]
    if reasons:
        return f"n/a: {reasons[0]}"
    files = [network.file(kind) for network in sidecar.networks]
    size = sum(file.bytes for file in files) / 1e6
    deviation = max(one["largest_deviation_over_largest_output"] for one in parity if one["format"] == kind)
    text = f"{size:.2f} MB, {deviation:.0e}"
    if "int" in kind:
        counted = [count_operations((bundle / file.path).read_bytes()) for file in files]
        floating = sorted({name for one in counted for name in one.floating})
        text += f", float: {', '.join(floating)}" if floating else ", all integer"
    return text


def main(names: list[str]) -> None:
    """Print the table."""
    print(f"| generator | {' | '.join(FORMATS)} |", flush=True)
    print(f"|{'---|' * (len(FORMATS) + 1)}", flush=True)
    for name in names or GENERATORS:
        with tempfile.TemporaryDirectory() as folder:
            print(f"| {Path(name).name} | {' | '.join(row(name, Path(folder)))} |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
