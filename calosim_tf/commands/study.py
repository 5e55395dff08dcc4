"""``calosim study``: what the metrics see, whether a generator amplifies its training sample, external checks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from calosim_tf.errors import ConfigError

DEFAULT_RESAMPLES = 200
DEFAULT_EPOCHS, DEFAULT_TRAININGS = 30, 3
DEFAULT_QUANTILES = 20


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("study", help="sensitivity of the metrics, amplification, Triforce check")
    studies = parser.add_subparsers(dest="study", required=True, metavar="STUDY")
    _add_sensitivity(studies)
    _add_amplification(studies)
    _add_triforce(studies)


def _add_sensitivity(studies) -> None:
    study = studies.add_parser("sensitivity", help="damage Monte Carlo in six known ways: which metric notices?")
    study.add_argument("--reference", metavar="F", help="Monte-Carlo showers (default: the bundled sample)")
    study.add_argument("--detector", default="photon", metavar="NAME", help="layout of the file (default photon)")
    study.add_argument("--metrics", metavar="A,B", help="only these metrics")
    study.add_argument(
        "--resamples", type=int, default=DEFAULT_RESAMPLES, metavar="N", help="partitions that give sigma (default 200)"
    )
    study.add_argument("--processes", type=int, default=1, metavar="N", help="partitions at a time (default 1)")
    _add_common(study, run_sensitivity)


def _add_amplification(studies) -> None:
    study = studies.add_parser(
        "amplification", help="quantile MSE of generated showers against training size; without RUN the toy"
    )
    study.add_argument("run_name", nargs="?", metavar="RUN", help="generator; without one: a density on a line")
    study.add_argument("--reference", metavar="F", help="showers that the run was not trained on (needed with RUN)")
    study.add_argument("--quantiles", type=int, default=DEFAULT_QUANTILES, metavar="N", help="default 20")
    study.add_argument("--repeats", type=int, metavar="N", help="training samples of the toy (100), or samples (5)")
    study.add_argument("--points", type=int, metavar="N", help="training points of the toy (default 100)")
    _add_common(study, run_amplification)


def _add_triforce(studies) -> None:
    study = studies.add_parser(
        "triforce", help="classifier and energy regressor trained on MC and on generated showers, tested on both"
    )
    study.add_argument("run_name", metavar="RUN")
    study.add_argument("--epochs", type=int, default=DEFAULT_EPOCHS, metavar="N", help="default 30")
    study.add_argument("--trainings", type=int, default=DEFAULT_TRAININGS, metavar="N", help="default 3")
    _add_common(study, run_triforce)


def _add_common(study, run) -> None:
    study.add_argument("--out", required=True, metavar="DIR")
    study.add_argument("--seed", type=int, default=0, metavar="S")
    study.add_argument("--json", action="store_true", help="print study.json")
    study.set_defaults(run=run)


def run_sensitivity(args: argparse.Namespace) -> int:
    """Damage, measure, draw."""
    from calosim_tf.data.bundled import bundled_sample
    from calosim_tf.data.readers import read_showers
    from calosim_tf.geometry import get_detector
    from calosim_tf.physics.metrics.listed import chosen_metrics
    from calosim_tf.plots.studies import plot_sensitivity
    from calosim_tf.studies.report import Figure, publish_study, sensitivity_summary
    from calosim_tf.studies.sensitivity import LEAST_RESAMPLES, sensitivity_study

    if args.resamples < LEAST_RESAMPLES:
        raise ConfigError(f"--resamples: found {args.resamples}, expected at least {LEAST_RESAMPLES}: sigma needs them")
    _require_positive(args, "processes")
    detector = get_detector(args.detector)
    metrics = chosen_metrics(args.metrics.split(",") if args.metrics else None)
    path = Path(args.reference) if args.reference else bundled_sample(detector.name)
    document = sensitivity_study(
        read_showers(path, detector), metrics, resamples=args.resamples, processes=args.processes, seed=args.seed
    )
    figures = [Figure("sensitivity", "Which metric notices which damage", plot_sensitivity)]
    publish_study(document, Path(args.out), figures)
    return _print(args, document, sensitivity_summary(document))


def run_amplification(args: argparse.Namespace) -> int:
    """The toy, or a generator of showers."""
    from calosim_tf.plots.studies import plot_amplification
    from calosim_tf.studies.report import Figure, amplification_summary, publish_study

    _require_positive(args, "quantiles", "repeats", "points")
    if args.quantiles < 2 or args.repeats == 1:
        raise ConfigError("--quantiles, --repeats: expected at least 2")
    if args.run_name is None:
        if args.reference is not None:
            raise ConfigError("--reference: is for a RUN, found none: name the run, or leave it out for the toy")
        from calosim_tf.studies.amplification import TOY_REPEATS, TOY_TRAINING, toy_amplification

        document = toy_amplification(
            training=args.points or TOY_TRAINING,
            n_quantiles=args.quantiles,
            repeats=args.repeats or TOY_REPEATS,
            seed=args.seed,
        )
    else:
        document = _shower_form(args)
    publish_study(document, Path(args.out), [Figure("amplification", "Quantile MSE", plot_amplification)])
    return _print(args, document, amplification_summary(document))


def _shower_form(args: argparse.Namespace) -> dict[str, Any]:
    if args.points is not None:
        raise ConfigError("--points: is for the toy, found a RUN: its training showers are counted")
    if args.reference is None:
        raise ConfigError("--reference F: is missing, expected showers that the run was not trained on")
    from calosim_tf.data.readers import read_showers
    from calosim_tf.studies.shower_amplification import REPEATS, shower_amplification

    run_folder, generator, name = _generator(args.run_name)
    training = _training_source(run_folder).train_set()
    reference = read_showers(Path(args.reference), training.detector)
    return shower_amplification(
        _generate_with(generator),
        training,
        reference,
        generator=name,
        n_quantiles=args.quantiles,
        repeats=args.repeats or REPEATS,
        seed=args.seed,
    )


def run_triforce(args: argparse.Namespace) -> int:
    """Generate, simulate pions, train, test."""
    from dataclasses import replace

    from calosim_tf.geometry import DETECTORS, get_detector
    from calosim_tf.plots.studies import plot_triforce
    from calosim_tf.studies.report import Figure, publish_study, triforce_summary
    from calosim_tf.studies.triforce import GENERATED, MONTE_CARLO, Showers, triforce_study

    _require_positive(args, "epochs", "trainings")
    run_folder, generator, name = _generator(args.run_name)
    layout = run_folder.experiment().data.layout
    pions_of = get_detector(layout).pions
    if not pions_of:
        known = ", ".join(name for name, detector in DETECTORS.items() if detector.pions)
        raise ConfigError(
            f"{args.run_name}: is of layout {layout!r}, but pions can be simulated in the voxels of {known} only: use "
            "a run of one of these"
        )
    source = _training_source(run_folder)
    samples = {}
    for place, (part, showers) in enumerate((("train", source.train_set()), ("test", source.holdout_set()))):
        made = _generate_with(generator)(showers.incident_energy_mev, showers.attributes, args.seed + place)
        pions = _pions(pions_of, showers, args.seed + place)
        samples[part] = {
            MONTE_CARLO: Showers(showers, pions),
            GENERATED: Showers(replace(showers, showers_mev=made, source=name), pions),
        }
    document = triforce_study(
        samples["train"], samples["test"], epochs=args.epochs, trainings=args.trainings, seed=args.seed
    )
    publish_study(document, Path(args.out), [Figure("triforce", "Accuracy, bias and resolution", plot_triforce)])
    return _print(args, document, triforce_summary(document))


def _pions(layout: str, showers, seed: int):
    """Parametrised pions of the same energies, in the voxels of ``showers``."""
    from dataclasses import replace

    import numpy as np

    from calosim_tf.data_prep.simulate import SOURCE, simulate_particles

    blocks = simulate_particles(layout, showers.incident_energy_mev, showers.attributes, seed)
    made = np.concatenate([block.showers_mev for block in blocks])
    return replace(showers, showers_mev=made, source=f"{SOURCE} ({layout})")


def _generator(name: str):
    """Run folder, generator and its name in words."""
    from calosim_tf.data.bundled import run_path
    from calosim_tf.training.load import in_words, load_generator
    from calosim_tf.training.run_folder import RunFolder

    run_folder = RunFolder(run_path(name))
    generator, iterations = load_generator(run_folder)
    return run_folder, generator, f"{run_folder.experiment().name}, {in_words(iterations)}"


def _generate_with(generator):
    import numpy as np

    def generate(incident_energy_mev, attributes, seed: int):
        return np.concatenate(list(generator.blocks(incident_energy_mev, seed, attributes=attributes)))

    return generate


def _training_source(run_folder):
    from calosim_tf.training.companions import training_source

    source = training_source(run_folder)
    if source is None:
        files = ", ".join(item["path"] for item in run_folder.data()["files"])
        raise ConfigError(
            f"{run_folder.path}: its training data ({files}) are gone or were changed, and this study needs them: put"
            " them back"
        )
    return source


def _require_positive(args: argparse.Namespace, *names: str) -> None:
    for name in names:
        value = getattr(args, name)
        if value is not None and value < 1:
            raise ConfigError(f"--{name}: found {value}, expected a number >= 1")


def _print(args: argparse.Namespace, document: Mapping[str, Any], text: str) -> int:
    print(json.dumps(document, indent=2) if args.json else text)
    return 0
