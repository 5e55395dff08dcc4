"""``calosim generate``: showers from a trained generator, in the public layout."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.commands.file_options import add_keys
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import ALL_BACKENDS, PRECISIONS, RUN_PRECISIONS
from calosim_tf.messages import note

if TYPE_CHECKING:
    from calosim_tf.api.particles import Particles


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("generate", help="showers from a run, an exported bundle or pretrained:NAME")
    parser.add_argument("run_or_bundle", metavar="RUN_OR_BUNDLE")
    wanted = parser.add_mutually_exclusive_group()
    wanted.add_argument(
        "--like", metavar="F", help="one shower per shower of this file, same incident energies and order"
    )
    wanted.add_argument("--energies", nargs="+", type=float, metavar="E", help="incident energies, MeV")
    wanted.add_argument(
        "--layer-energies",
        metavar="F",
        help="fill these layer energies (HDF5: incident_energies, layer_energies in MeV); of factorised generators",
    )
    add_keys(parser)
    parser.add_argument(
        "--events",
        type=int,
        metavar="N",
        help="showers per energy, with --energies; of jet images, which have none, alone",
    )
    parser.add_argument(
        "--condition",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="attributes of the particle, with --energies (default: perpendicular, in the middle)",
    )
    parser.add_argument("--particle", metavar="P", help="which particle of the bundle of a fleet")
    parser.add_argument("--eta", type=float, metavar="X", help="where in it, with --particle; the sign does not matter")
    parser.add_argument("--out", required=True, metavar="F")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--batch", type=int, default=0, metavar="B", help="showers per network call")
    parser.add_argument(
        "--backend",
        choices=ALL_BACKENDS,
        default="tf",
        help="what runs the network; onnx, tflite and lwtnn (numpy, slow) take a bundle and do without TensorFlow "
        "(default tf)",
    )
    parser.add_argument(
        "--precision",
        choices=tuple(dict.fromkeys((*RUN_PRECISIONS, *PRECISIONS))),
        default="float32",
        help="of the network: bfloat16 with a run folder and --backend tf or xla, others with --backend tflite",
    )
    parser.add_argument("--threads", type=int, default=0, metavar="N", help="0 for one per core (default)")
    parser.add_argument("--compression", choices=("gzip", "none"), default="gzip")
    negative = parser.add_mutually_exclusive_group()
    negative.add_argument("--no-clip", action="store_true", help="keep negative voxels (default: set to 0)")
    negative.add_argument(
        "--keep-energy",
        action="store_true",
        help="set negative voxels to 0 and scale the others to the shower's energy before",
    )
    parser.add_argument("--force", action="store_true", help="replace an existing file")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the request, then stream showers to the file."""
    from calosim_tf.api.generator import Generator
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.data.writers import shower_writer
    from calosim_tf.inference.negative_voxels import NegativeVoxels
    from calosim_tf.progress import progress

    source = GeneratorSource.named(args.run_or_bundle, args.particle, args.eta)
    source.require(args.backend, args.precision)
    particles = requested_showers(args, source.detector)
    energy, treatment = particles.energy_mev, "keep" if args.no_clip else "scale" if args.keep_energy else "zero"
    with shower_writer(Path(args.out), source.detector, len(energy), args.compression, overwrite=args.force) as writer:
        generator = Generator(source, args.backend, args.precision, args.threads)
        for name, value in generator.file_attributes(args.seed, treatment).items():
            writer.set_attribute(name, value)
        negative = None if args.no_clip else NegativeVoxels(args.keep_energy)
        made = generator.made(particles, args.seed, args.batch or None, negative)
        for rows, block in progress(made, len(energy), "generating", size=lambda item: len(item[1])):
            writer.append(energy[rows], block, particles.attributes[rows])
    note(f"{args.out}: {len(energy)} showers of {generator.words}")
    if negative is not None and (summary := negative.summary()):
        note(summary)
    return 0


def requested_showers(args: argparse.Namespace, detector) -> Particles:
    """Incident particles and, where given, layer energies."""
    from calosim_tf.api.particles import Particles

    if not args.layer_energies:
        return Particles(*requested_particles(args, detector))
    if args.events is not None:
        raise ConfigError("--events goes with --energies, found it with --layer-energies: leave it out")
    from calosim_tf.data.layer_energy_file import read_layer_energies

    energy, layers = read_layer_energies(args.layer_energies, detector)
    return Particles(energy, with_conditions(detector, energy, args.condition), layers)


def requested_particles(args: argparse.Namespace, detector) -> tuple[np.ndarray, np.ndarray]:
    """Incident energies (n,), MeV, and attributes (n, k) of the showers to make, float64."""
    if args.batch < 0:
        raise ConfigError(f"--batch: found {args.batch}, expected a number >= 1")
    if args.threads < 0:
        raise ConfigError(f"--threads: found {args.threads}, expected a number >= 1, or 0 for one per core")
    if args.seed < 0:
        raise ConfigError(f"--seed: found {args.seed}, expected an integer >= 0")
    if args.like:
        for option, given in (("--events", args.events is not None), ("--condition", bool(args.condition))):
            if given:
                raise ConfigError(f"{option} goes with --energies, found it with --like: leave it out")
        from calosim_tf.data.readers import read_incident_particles
        from calosim_tf.geometry import file_keys

        keys = file_keys(args.keys)
        return read_incident_particles(Path(args.like), replace(detector, file_keys=keys) if keys else detector)
    if args.energies is None and not detector.nominal_energy_mev:
        raise ConfigError("one of --like, --energies and --layer-energies is needed, found none")
    if args.events is None or args.events < 1:
        raise ConfigError(f"--events: found {args.events}, expected the number of showers per energy, >= 1")
    from calosim_tf.api.particles import require_energies

    energies = np.asarray([detector.nominal_energy_mev] if args.energies is None else args.energies, dtype=np.float64)
    require_energies(energies, "--energies")
    energy = np.repeat(energies, args.events)
    return energy, with_conditions(detector, energy, args.condition)


def with_conditions(detector, incident_energy_mev: np.ndarray, conditions: list[str]) -> np.ndarray:
    """Attributes of perpendicular particles in the middle but for the given ``NAME=VALUE``, shape (n, k).

    Raises
    ------
    ConfigError
        Not a number, or as :func:`calosim_tf.api.particles.particle_attributes`.
    """
    from calosim_tf.api.particles import particle_attributes

    values = {}
    for item in conditions:
        name, _, text = item.partition("=")
        try:
            values[name] = float(text)
        except ValueError:
            values[name] = np.nan
        if name in detector.attributes and not np.isfinite(values[name]):
            raise ConfigError(f"--condition {name}: found {text!r}, expected a number")
    return particle_attributes(detector, incident_energy_mev, values, "--condition")
