"""``calosim list``: the experiments of the package."""

from __future__ import annotations

import argparse
import json

from calosim_tf.experiments import EXPERIMENTS


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("list", help="the experiments of the package")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print names and summaries."""
    if args.json:
        rows = [{"experiment": e.name, "paper": e.paper, "summary": e.summary} for e in EXPERIMENTS.values()]
        print(json.dumps(rows, indent=2))
        return 0
    width = max(map(len, EXPERIMENTS))
    for experiment in EXPERIMENTS.values():
        print(f"{experiment.name:{width}}  {experiment.summary}")
    return 0
