"""``calosim evaluate``: compare generated showers with a reference."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from calosim_tf.commands.file_options import add_detector, chosen_detector


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("evaluate", help="judge a file of showers, a run or a bundle against a reference")
    parser.add_argument("file_or_run", metavar="FILE_OR_RUN", help="or an exported bundle")
    parser.add_argument("--reference", required=True, metavar="F")
    parser.add_argument("--out", required=True, metavar="DIR")
    add_detector(parser, "layout of the files (default: of the run, or photon)")
    parser.add_argument("--metrics", metavar="A,B", help="only these metrics (an unknown name lists them all)")
    networks = parser.add_mutually_exclusive_group()
    networks.add_argument(
        "--fast",
        dest="classifiers",
        action="store_const",
        const="fast",
        help="also classifiers, FID and inception score, with one small network each (minutes)",
    )
    networks.add_argument(
        "--classifier",
        dest="classifiers",
        action="store_const",
        const="full",
        help="also the classifiers of the CaloChallenge, ten trainings of large networks each (hours without a GPU)",
    )
    parser.add_argument(
        "--training", nargs="+", metavar="F", help="training data of the generator, for the memorisation test"
    )
    parser.add_argument(
        "--reweight", action="store_true", help="thin both sets to equal numbers at each incident energy"
    )
    parser.add_argument("--timing", action="store_true", help="print the time of each metric")
    parser.add_argument(
        "--checks",
        metavar="A,B",
        help="also some of neighbours,traversal,images,attributes; for clic projections,ssim,resolution,spectrum",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="latent seed, when a run generates")
    parser.add_argument("--json", action="store_true", help="print metrics.json")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Read both sets (or generate one), evaluate, print."""
    from calosim_tf.api.evaluation import judge, without_density
    from calosim_tf.api.generator import Generator
    from calosim_tf.api.generator_source import GeneratorSource
    from calosim_tf.checks.run import chosen_checks, run_checks
    from calosim_tf.data.bundled import PRETRAINED_PREFIX
    from calosim_tf.data.memory import keep_freed_memory
    from calosim_tf.data.streamed import read_or_stream
    from calosim_tf.geometry import get_detector
    from calosim_tf.physics.metrics.listed import chosen_metrics
    from calosim_tf.report.evaluate import summary_table

    keep_freed_memory()
    generates = args.file_or_run.startswith(PRETRAINED_PREFIX) or Path(args.file_or_run).is_dir()
    source = GeneratorSource.named(args.file_or_run) if generates else None
    run_folder = source.run_folder if generates and source.sidecar is None else None
    detector = chosen_detector(args, source.detector if generates else get_detector("photon"))
    checks = chosen_checks(args.checks, detector, run_folder)
    names = None if args.metrics is None else args.metrics.split(",")
    chosen_metrics(without_density(names)[0], args.classifiers)
    reference = read_or_stream(Path(args.reference), detector)
    generator = Generator(source, *source.first_way()) if generates else None
    if generator is not None:
        generated = generator.showers_like(reference, args.seed)
    else:
        # A poor generator is no reason to refuse its file: negative or excessive voxels are a finding
        generated = read_or_stream(Path(args.file_or_run), reference.detector, physical=False)
    metrics = judge(
        generated,
        reference,
        Path(args.out),
        generator=generator,
        metrics=names,
        classifiers=args.classifiers,
        training=read_or_stream(args.training, detector) if args.training else None,
        reweight=args.reweight,
        timing=args.timing,
    )
    print(json.dumps(metrics, indent=2) if args.json else summary_table(metrics))
    if checks:
        sampler = None if generator is None else generator.sampler
        table = run_checks(checks, run_folder, reference, Path(args.out), args.seed, generated, sampler)
        print(f"\n{table}", file=sys.stderr if args.json else sys.stdout)
    return 0
