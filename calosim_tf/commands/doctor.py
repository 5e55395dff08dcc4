"""``calosim doctor``: versions, devices, threads, writable folders, known-bad combinations of packages."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("doctor", help="what is wrong with this installation or machine")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print one line per finding; 1 if one of them is a fault."""
    from calosim_tf.doctor import findings

    found = []
    for finding in findings():
        found.append(finding)
        if not args.json:
            print(f"{finding.state:<6}{finding.what:<18}{' '.join(finding.text.split())}", flush=True)
    if args.json:
        print(json.dumps([asdict(finding) for finding in found], indent=2))
    return int(any(finding.state == "fault" for finding in found))
