"""``calosim generate``: showers from a trained generator, in the public layout."""

from __future__ import annotations

import argparse
import math
from dataclasses import replace
from pathlib import Path

import numpy as np

from calosim_tf.commands.file_options import add_keys
from calosim_tf.errors import ConfigError
from calosim_tf.inference.backends import BACKENDS, PRECISIONS, RUN_PRECISIONS, WITH_TENSORFLOW
from calosim_tf.inference.negative_voxels import NegativeVoxels
from calosim_tf.messages import note, warn

# Of particles that move towards the calorimeter, ends excluded
ANGLE_RANGES_RAD = {"theta_rad": (0.0, math.pi), "phi_rad": (-math.pi / 2, math.pi / 2)}


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("generate", help="showers from a run, an exported bundle or pretrained:NAME")
    parser.add_argument("run_or_bundle", metavar="RUN_OR_BUNDLE")
    wanted = parser.add_mutually_exclusive_group(required=True)
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
    parser.add_argument("--events", type=int, metavar="N", help="showers per energy, with --energies")
    parser.add_argument(
        "--condition",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="attributes of the particle, with --energies (default: perpendicular, in the middle)",
    )
    parser.add_argument("--out", required=True, metavar="F")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--batch", type=int, default=0, metavar="B", help="showers per network call")
    parser.add_argument(
        "--backend",
        choices=BACKENDS,
        default="tf",
        help="what runs the network; tflite and onnx take a bundle and do without TensorFlow (default tf)",
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
    from calosim_tf.commands.generator_source import GeneratorSource
    from calosim_tf.data.writers import shower_writer
    from calosim_tf.inference.sampler import in_words
    from calosim_tf.progress import progress

    source = GeneratorSource.named(args.run_or_bundle)
    source.require(args.backend, args.precision)
    detector, experiment = source.detector, source.experiment
    energy, particles, layers = requested_showers(args, detector)
    attributes = {
        "generator": f"calosim_tf, experiment {experiment}",
        "experiment": experiment,
        "backend": args.backend,
        "precision": args.precision,
        "seed": args.seed,
        "negative_voxels": "kept" if args.no_clip else "set to 0, others scaled" if args.keep_energy else "set to 0",
    }
    with shower_writer(
        Path(args.out), detector, len(energy), args.compression, attributes, overwrite=args.force
    ) as writer:
        if args.threads and args.backend in WITH_TENSORFLOW:
            from calosim_tf.training.strategies.devices import set_threads

            set_threads(args.threads)
        generator, iterations = source.load(args.backend, args.precision, args.threads)
        if beyond := beyond_training(source, generator, energy, particles):
            warn(f"{'; '.join(beyond)}: showers there are an extrapolation")
        writer.set_attribute("source", f"{experiment}, {in_words(iterations)}")
        writer.set_attribute("iteration", iterations[0] if len(iterations) == 1 else iterations)
        asked_for = particles if layers is None else with_layer_energies(generator, particles, layers, experiment)
        blocks = generator.blocks(energy, args.seed, args.batch or None, asked_for)
        first, negative = 0, NegativeVoxels(args.keep_energy)
        for block in progress(blocks, len(energy), "generating", size=len):
            rows = slice(first, first + len(block))
            if not args.no_clip:
                negative.remove(block, energy[rows])
            writer.append(energy[rows], block, particles[rows])
            first += len(block)
    note(f"{args.out}: {len(energy)} showers of {experiment}, {in_words(iterations)}")
    if not args.no_clip:
        note(negative.summary())
    return 0


def beyond_training(source, generator, incident_energy_mev: np.ndarray, attributes: np.ndarray) -> list[str]:
    """Where particles go beyond those that the generator was trained on: a phrase for the energy and each attribute."""
    from calosim_tf.data.trained_on import attributes_beyond

    found = []
    for outside in generator.outside_trained_range(incident_energy_mev)[:1]:
        low, high = generator.trained_range_mev
        found.append(f"{outside:g} MeV is outside the trained range of {low:g} to {high:g} MeV kinetic energy")
    asked_for = dict(zip(source.detector.attributes, attributes.T, strict=True))
    return found + attributes_beyond(source.trained_on, asked_for)


def with_layer_energies(generator, attributes: np.ndarray, layers: np.ndarray, experiment: str) -> np.ndarray:
    """Attributes with the layer energies behind them, as the label of a factorised generator takes them.

    Raises
    ------
    ConfigError
        The generator draws the energies of its layers along with its voxels.
    """
    from calosim_tf.data.layer_energies import LayerEnergyNormalisation

    if not isinstance(getattr(generator, "normalisation", None), LayerEnergyNormalisation):
        raise ConfigError(
            f"--layer-energies: found the experiment {experiment}, expected a factorised generator, such as "
            "photon_factorised: the energies of the layers are no input of others"
        )
    return np.concatenate([attributes, layers], axis=1)


def requested_showers(args: argparse.Namespace, detector) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Incident energies (n,) in MeV, attributes (n, k) and, where given, layer energies (n, layers) in MeV."""
    if not args.layer_energies:
        return *requested_particles(args, detector), None
    if args.events is not None:
        raise ConfigError("--events goes with --energies, found it with --layer-energies: leave it out")
    from calosim_tf.data.layer_energy_file import read_layer_energies

    energy, layers = read_layer_energies(args.layer_energies, detector)
    return energy, with_conditions(detector, energy, args.condition), layers


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
    if args.events is None or args.events < 1:
        raise ConfigError(f"--events: found {args.events}, expected the number of showers per energy, >= 1")
    for energy in args.energies:
        if not (np.isfinite(energy) and energy > 0):
            raise ConfigError(f"--energies: found {energy}, expected incident energies in MeV, > 0")
    energy = np.repeat(np.asarray(args.energies, dtype=np.float64), args.events)
    return energy, with_conditions(detector, energy, args.condition)


def with_conditions(detector, incident_energy_mev: np.ndarray, conditions: list[str]) -> np.ndarray:
    """Attributes of perpendicular particles in the middle but for the given ``NAME=VALUE``, shape (n, k).

    ``pz_gev`` follows from the energy and the transverse momentum.

    Raises
    ------
    ConfigError
        An attribute that this detector does not have, not a number, an angle that points away from the calorimeter, or
        a transverse momentum larger than the total.
    """
    attributes = detector.central_attributes(incident_energy_mev)
    free = [name for name in detector.attributes if name != "pz_gev"]
    for item in conditions:
        name, _, text = item.partition("=")
        if name == "pz_gev" and name in detector.attributes:
            raise ConfigError(
                "--condition: found pz_gev, which follows from the energy, px_gev and py_gev: leave it out"
            )
        if name not in free:
            known = ", ".join(free) or "none for this detector"
            raise ConfigError(f"--condition: found {item!r}, expected NAME=VALUE with NAME one of: {known}")
        try:
            value = float(text)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise ConfigError(f"--condition {name}: found {text!r}, expected a number")
        low, high = ANGLE_RANGES_RAD.get(name, (-math.inf, math.inf))
        if not low < value < high:
            raise ConfigError(f"--condition {name}: found {text}, expected rad, above {low:.4g} and below {high:.4g}")
        attributes[:, detector.attributes.index(name)] = value
    if "pz_gev" in detector.attributes:
        across = attributes[:, 0] ** 2 + attributes[:, 1] ** 2
        along = (incident_energy_mev / 1e3) ** 2 - across
        if not (along > 0).all():
            raise ConfigError(
                f"--condition: px and py of {np.sqrt(across.max()):g} GeV exceed the momentum of "
                f"{incident_energy_mev.min() / 1e3:g} GeV, expected less"
            )
        attributes[:, detector.attributes.index("pz_gev")] = np.sqrt(along)
    return attributes
