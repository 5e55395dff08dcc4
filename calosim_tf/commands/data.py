"""``calosim data``: look at data files before training on them."""

from __future__ import annotations

import argparse
import json


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("data", help="check data files")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="layout, units, content and checksum of a data file")
    check.add_argument("file", nargs="+")
    check.add_argument("--detector", help="expected layout (default: from the number of voxels)")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=run_check)


def run_check(args: argparse.Namespace) -> int:
    """Read the whole file once and report."""
    from calosim_tf.data.checks import check_report, format_report

    report = check_report(args.file, args.detector)
    print(json.dumps(report, indent=2) if args.json else format_report(report))
    return 0
