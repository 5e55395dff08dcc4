"""``calosim export RUN``: a generator in formats that run without this package, with all they need beside them."""

from __future__ import annotations

import argparse
from pathlib import Path

from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

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
        help="saved_model, tflite, tflite_fp16, tflite_dynamic, tflite_int8, tflite_int16x8, onnx, lwtnn; or all, "
        "which leaves out what a format cannot hold and says why",
    )
    parser.add_argument("--out", required=True, metavar="DIR", help="folder of the bundle")
    parser.add_argument(
        "--batch",
        default=DEFAULT_BATCHES,
        metavar="B1,B2",
        help=f"showers per call of the TensorFlow Lite files (default {DEFAULT_BATCHES})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="of particles and latents for checks")
    parser.add_argument("--force", action="store_true", help="replace an earlier bundle")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Check the request, then write the bundle."""
    from calosim_tf.bundle.folder import require_free
    from calosim_tf.commands.bench import positive_integer
    from calosim_tf.data.bundled import run_path
    from calosim_tf.training.run_folder import RunFolder

    formats = chosen_formats(args.format)
    batches = tuple(sorted({positive_integer("--batch", item) for item in args.batch.split(",")}))
    if args.seed < 0:
        raise ConfigError(f"--seed: found {args.seed}, expected an integer >= 0")
    run_folder = RunFolder(run_path(args.run_name))
    require_checkpoints(run_folder)
    require_free(Path(args.out), args.force)

    from calosim_tf.export.write import ExportOptions, export

    options = ExportOptions(formats, batches, skip_unsupported=args.format == ALL, seed=args.seed)
    sidecar = export(run_folder, Path(args.out), options, args.force)
    note(f"{args.out}: {sidecar.experiment} as {', '.join(sidecar.formats)}")
    for network in sidecar.networks:
        for kind, reason in network.not_available.items():
            note(f"network {network.name} not as {kind}: {reason}")
    return 0


def chosen_formats(text: str) -> tuple[str, ...]:
    """Formats of ``--format``, in their own order; :class:`ConfigError` for an unknown one."""
    from calosim_tf.bundle.sidecar import FORMATS

    if text == ALL:
        return FORMATS
    wanted = [item.strip() for item in text.split(",")]
    for item in wanted:
        if item not in FORMATS:
            raise ConfigError(f"--format: found {item!r}, expected some of {', '.join(FORMATS)}, or {ALL}")
    return tuple(kind for kind in FORMATS if kind in wanted)


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
