"""``calosim export RUN``: a generator in formats that run without this package, with everything they need."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from calosim_tf.bundle.formats import FORMATS
from calosim_tf.errors import ConfigError
from calosim_tf.files import read_json
from calosim_tf.messages import note, warn

ALL = "all"
DEFAULT_BATCHES = "1,100"


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("export", help="a generator as SavedModel, TensorFlow Lite, ONNX, lwtnn")
    parser.add_argument("run_name", metavar="RUN", help="run folder or pretrained:NAME")
    parser.add_argument(
        "--format",
        required=True,
        metavar="F1,F2",
        help=f"{', '.join(FORMATS)}; or all, which leaves out what a format cannot hold and says why",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "--batch",
        default=DEFAULT_BATCHES,
        metavar="B1,B2",
        help=f"showers per call of the TensorFlow Lite files (default {DEFAULT_BATCHES})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of particles and latents for checks")
    integer = parser.add_argument_group("integer formats")
    integer.add_argument(
        "--draws", type=int, default=1000, metavar="N", help="showers of the calibration (default 1000)"
    )
    integer.add_argument(
        "--integer-io", action="store_true", help="tflite_int8: inputs and output are integers too (256 levels each)"
    )
    integer.add_argument(
        "--tolerance",
        nargs="+",
        action="extend",
        default=[],
        metavar="METRIC=VALUE",
        help="tflite_int8: largest change of response_shift, width_shift, shower_energy_rms, cell_rms or a metric of "
        "`calosim evaluate`; layers go back to floating point, the worst first, until it holds",
    )
    integer.add_argument(
        "--events", type=int, metavar="N", help="showers that they are judged on (default 2000 or fewer)"
    )
    integer.add_argument(
        "--reference", metavar="F", help="Monte Carlo to judge by (default: the held-out part of the bundled sample)"
    )
    parser.add_argument("--force", action="store_true", help="replace an earlier bundle")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the request, then write the bundle."""
    from calosim_tf.bundle.card import PARITY, beyond_usual
    from calosim_tf.bundle.folder import require_free
    from calosim_tf.commands.bench_numbers import positive_integer
    from calosim_tf.data.bundled import run_path
    from calosim_tf.export.options import ExportOptions
    from calosim_tf.training.run_folder import RunFolder

    formats = chosen_formats(args.format)
    require_packages(formats)
    batches = tuple(sorted({positive_integer("--batch", item) for item in args.batch.split(",")}))
    options = ExportOptions(
        formats,
        batches,
        skip_unsupported=args.format == ALL,
        seed=_at_least(args.seed, "--seed", 0),
        draws=_at_least(args.draws, "--draws", 2),
        integer_io=args.integer_io,
        tolerances=tolerances(args.tolerance, formats),
        events=None if args.events is None else _at_least(args.events, "--events", 2),
        reference=None if args.reference is None else Path(args.reference),
    )
    run_folder = RunFolder(run_path(args.run_name))
    require_checkpoints(run_folder)
    require_free(Path(args.out), args.force)
    if options.reference is not None:
        require_readable(options.reference, run_folder)

    from calosim_tf.export.quantisation_physics import require_known
    from calosim_tf.export.write import export

    require_known(options.tolerances)
    sidecar = export(run_folder, Path(args.out), options, args.force)
    for sentence in beyond_usual(read_json(Path(args.out) / PARITY, "the parity of a bundle")):
        warn(sentence)
    note(f"{args.out}: {sidecar.experiment} as {', '.join(sidecar.formats)}")
    for network in sidecar.networks:
        for kind, reason in network.not_available.items():
            note(f"network {network.name} not as {kind}: {reason}")
    return 0


def chosen_formats(text: str) -> tuple[str, ...]:
    """Formats of ``--format``, in their own order; :class:`ConfigError` for an unknown one."""
    if text == ALL:
        return tuple(FORMATS)
    wanted = [item.strip() for item in text.split(",")]
    for item in wanted:
        if item not in FORMATS:
            raise ConfigError(f"--format: found {item!r}, expected some of {', '.join(FORMATS)}, or {ALL}")
    return tuple(kind for kind in FORMATS if kind in wanted)


def require_packages(formats: tuple[str, ...]) -> None:
    """:class:`ConfigError` where a package that writes a format is missing: before TensorFlow writes the others."""
    from importlib.util import find_spec

    for kind in formats:
        for package in FORMATS[kind].converters:
            if find_spec(package) is None:
                raise ConfigError(
                    f"--format {kind}: found no package {package}, expected the extra: pip install 'calosim-tf[{kind}]'"
                )


def require_checkpoints(run_folder) -> None:
    """:class:`RunFolderError` for a run, or a member of a split, that has no checkpoint yet."""
    from calosim_tf.errors import RunFolderError

    experiment = run_folder.experiment()
    runs = [run_folder.member(member.name) for member in experiment.members] or [run_folder]
    for item in runs:
        if not item.checkpoints.is_dir() or not any(path.name.isdigit() for path in item.checkpoints.iterdir()):
            raise RunFolderError(
                f"{item.checkpoints}: found no checkpoint, expected at least one: train {experiment.name} on"
            )


def tolerances(items: list[str], formats: tuple[str, ...]) -> dict[str, float]:
    """Metrics and largest changes of ``--tolerance``."""
    takers = [kind for kind, item in FORMATS.items() if item.layers_in_float]
    if items and not set(takers) & set(formats):
        raise ConfigError(f"--tolerance goes with --format {' or '.join(takers)}: add it, or leave --tolerance out")
    found = {}
    for item in items:
        name, _, text = item.partition("=")
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not 0.0 <= value < math.inf:
            raise ConfigError(f"--tolerance: found {item!r}, expected METRIC=VALUE with a number >= 0")
        found[name] = value
    return found


def require_readable(path: Path, run_folder) -> None:
    """:class:`DataError` unless ``path`` holds showers of the run's detector."""
    from calosim_tf.data.readers import read_incident_particles
    from calosim_tf.geometry import get_detector

    data = run_folder.experiment().data
    read_incident_particles(path, get_detector(data.layout, data.keys))


def _at_least(value: int, option: str, least: int) -> int:
    if value < least:
        raise ConfigError(f"{option}: found {value}, expected an integer >= {least}")
    return value
