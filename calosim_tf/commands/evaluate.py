"""``calosim evaluate``: compare generated showers with a reference."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from calosim_tf.commands.file_options import add_detector, chosen_detector

NOT_ASKED_FOR = "Classifiers, FID and inception score train networks and were not asked for (--fast or --classifier)."


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
    from calosim_tf.checks.run import chosen_checks, run_checks
    from calosim_tf.commands.generator_source import GeneratorSource
    from calosim_tf.data.bundled import PRETRAINED_PREFIX
    from calosim_tf.data.memory import keep_freed_memory
    from calosim_tf.data.streamed import read_or_stream
    from calosim_tf.geometry import get_detector
    from calosim_tf.physics.metrics.listed import chosen_metrics
    from calosim_tf.report.evaluate import evaluate, summary_table

    keep_freed_memory()
    generates = args.file_or_run.startswith(PRETRAINED_PREFIX) or Path(args.file_or_run).is_dir()
    source = GeneratorSource.named(args.file_or_run) if generates else None
    run_folder = source.run_folder if generates and source.sidecar is None else None
    detector = chosen_detector(args, source.detector if generates else get_detector("photon"))
    checks = chosen_checks(args.checks, detector, run_folder)
    names, with_density = _chosen_names(args.metrics)
    chosen_metrics(names, args.classifiers)
    reference = read_or_stream(Path(args.reference), detector)
    generator = None
    if generates:
        generated, generator = _generate(source, reference, args.seed)
    else:
        # A poor generator is no reason to refuse its file: negative or excessive voxels are a finding
        generated = read_or_stream(Path(args.file_or_run), reference.detector, physical=False)
    training = read_or_stream(args.training, detector) if args.training else _training_of(run_folder)
    metrics = evaluate(
        generated,
        reference,
        control=None,
        out_dir=Path(args.out),
        title=f"{generated.source} against {reference.source}",
        selection_csv=run_folder.selection.path if run_folder else None,
        history_csv=run_folder.history.path if run_folder else None,
        published=source.published if generates else (),
        notes=() if args.metrics or args.classifiers else (NOT_ASKED_FOR,),
        metrics=names,
        classifiers=args.classifiers,
        training=training,
        reweight=args.reweight,
        timing=args.timing,
        more=_densities(run_folder, generator, args.metrics) if with_density else (),
    )
    print(json.dumps(metrics, indent=2) if args.json else summary_table(metrics))
    if checks:
        table = run_checks(checks, run_folder, reference, Path(args.out), args.seed, generated, generator)
        print(f"\n{table}", file=sys.stderr if args.json else sys.stdout)
    return 0


def _chosen_names(text: str | None) -> tuple[list[str] | None, bool]:
    """Names of ``--metrics`` that every generator has, None for all, and whether its own density is wanted."""
    from calosim_tf.physics.metrics.likelihood import NLL

    if text is None:
        return None, True
    names = text.split(",")
    return [name for name in names if name != NLL], NLL in names


def _densities(run_folder, generator, asked_for: str | None) -> tuple:
    """The metric ``nll`` where a run's generator has a density; :class:`ConfigError` if it was asked for in vain."""
    from calosim_tf.errors import ConfigError
    from calosim_tf.physics.metrics.likelihood import NLL, likelihood_metric

    loss = None
    if run_folder is not None and not run_folder.experiment().members:
        from calosim_tf.training.inspection.density import loss_of

        loss = loss_of(generator, run_folder.experiment())
    if loss is None and asked_for:
        raise ConfigError(f"--metrics {NLL}: found a generator without a density, expected the run folder of a flow")
    return () if loss is None else (likelihood_metric(loss),)


def _training_of(run_folder):
    """The showers that a run was trained on, as far as they are recorded and still available."""
    if run_folder is None or run_folder.experiment().members:
        return None
    from calosim_tf.data.streamed import MEMORY_BYTES
    from calosim_tf.training.inspection.recorded_data import training_source

    source = training_source(run_folder)
    return None if source is None else source.train_set(MEMORY_BYTES // (4 * source.detector.n_voxels))


def _generate(source, reference, seed: int):
    from calosim_tf.inference.like import showers_like
    from calosim_tf.inference.sampler import in_words

    backend, precision = source.first_way()
    generator, iterations = source.load(backend, precision)
    reduced = "" if precision == "float32" else f", {precision}"
    words = f"{source.experiment}, {in_words(iterations)}{reduced}"
    return showers_like(generator, reference, seed, words), generator
