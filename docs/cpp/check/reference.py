"""Bundles, and the showers and times of Python that the C++ check compares with.

    python docs/cpp/check/reference.py FOLDER --formats lwtnn,onnx

Writes ``reference.json``, ``NAME.energies`` (float64) and ``NAME.showers`` (float32) beside the bundles; ``--times``
prints how long Python takes with them.  Everything runs in one thread.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from made_bundle import made_sampler, write_bundle

from calosim_tf.bundle.sidecar import read_sidecar
from calosim_tf.cli import main as calosim
from calosim_tf.export.particles import covering_particles
from calosim_tf.geometry import get_detector
from calosim_tf.inference.bundle import engine_sampler
from calosim_tf.inference.negative_voxels import NegativeVoxels
from calosim_tf.inference.sampler import ShowerSampler

PRETRAINED = ("photon_calo_shower_gan", "photon")
# the dense formats cannot hold the generator that draws layer energies first
NO_LWTNN = ("photon",)
SEED, SHOWERS, BATCHES = 7, 1000, (1, 10, 100)


def spread_energies(bundle: Path, count: int) -> np.ndarray:
    """Incident energies over the whole range trained on, in random order, MeV."""
    sidecar = read_sidecar(bundle)
    return covering_particles(get_detector(sidecar.detector), sidecar.networks[0].law(), count, seed=1)[0]


def write_case(folder: Path, name: str, sampler: ShowerSampler, energy: np.ndarray) -> dict:
    """Showers of a bundle as ``calosim generate`` makes them."""
    showers = np.concatenate(list(sampler.blocks(energy, SEED)))
    NegativeVoxels(keep_energy=False).remove(showers, energy)
    energy.astype("<f8").tofile(folder / f"{name}.energies")
    showers.astype("<f4").tofile(folder / f"{name}.showers")
    return {"name": name, "bundle": name, "seed": SEED}


def microseconds(sampler: ShowerSampler, energy: np.ndarray, batch: int) -> float:
    """Time of a shower in calls of ``batch``, latents and physics included: the fastest of five rounds."""
    rounds = []
    for _ in range(6):  # the first one warms up
        begin, made = time.perf_counter(), 0
        while time.perf_counter() - begin < 0.1:
            first = made % (len(energy) - batch + 1)
            for _block in sampler.blocks(energy[first : first + batch], SEED, batch):
                made += batch
        rounds.append(1e6 * (time.perf_counter() - begin) / made)
    return min(rounds[1:])


def loaded(bundle: Path) -> dict[str, ShowerSampler]:
    """Python's back ends on a bundle."""
    from calosim_tf.export.load import saved_model_sampler

    sidecar = read_sidecar(bundle)
    return {
        "tensorflow": saved_model_sampler(bundle, sidecar),
        "onnx": engine_sampler(bundle, sidecar, "onnx", "float32", threads=1),
    }


def write_references(folder: Path, formats: set[str]) -> None:
    """Export the bundles, with ``formats`` where they can hold the network, and generate."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bundle(folder / "rings")
    rings = made_sampler(folder / "rings")
    cases = [write_case(folder, "rings", rings, spread_energies(folder / "rings", 200))]
    for name in PRETRAINED:
        wanted = {"saved_model", "onnx", *formats} - ({"lwtnn"} if name in NO_LWTNN else set())
        options = ["--format", ",".join(sorted(wanted)), "--out", str(folder / name), "--force"]
        if calosim(["export", f"pretrained:{name}", *options]) != 0:
            raise SystemExit(1)
        sampler = loaded(folder / name)["tensorflow"]
        cases.append(write_case(folder, name, sampler, spread_energies(folder / name, SHOWERS)))
    (folder / "reference.json").write_text(json.dumps(cases))


def print_times(folder: Path) -> None:
    """A line of JSON for each back end and batch."""
    for name in PRETRAINED:
        for backend, sampler in loaded(folder / name).items():
            energy = spread_energies(folder / name, SHOWERS)
            for batch in BATCHES:
                row = {"bundle": name, "backend": backend, "batch": batch, "us": microseconds(sampler, energy, batch)}
                print(json.dumps(row))


def main() -> None:
    """References, or times."""
    parser = argparse.ArgumentParser(description="bundles, showers and times of Python")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--formats", default="lwtnn", help="besides saved_model and onnx, which Python is timed with")
    parser.add_argument("--times", action="store_true", help="print the times of bundles that are there")
    args = parser.parse_args()
    from calosim_tf.training.strategies.devices import set_threads

    set_threads(1)
    if args.times:
        print_times(args.folder)
    else:
        write_references(args.folder, {item for item in args.formats.split(",") if item})


if __name__ == "__main__":
    main()
