"""``calosim compare A B ...``: several generators side by side, from their reports or, for LHCb, from their runs."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from calosim_tf.commands import compare_lhcb
from calosim_tf.errors import ConfigError

MAX_REPORTS = 7  # colours that everybody can tell apart
REPORT_FILE = "metrics.json"
RUN_OPTIONS = ("data", "clusters", "clusterings", "seed")
EPILOG = """Two forms:
  calosim compare a/metrics.json b/metrics.json --out DIR    reports of `calosim evaluate`, any detector
  calosim compare RUN ... --out DIR                          LHCb runs: PRD-AUC and other scores on held-out showers
"""


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser(
        "compare",
        help="several generators side by side",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="+", metavar="METRICS_JSON_OR_RUN", help="a report or an LHCb run")
    parser.add_argument("--out", required=True, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="print metrics.json")
    runs = parser.add_argument_group("for LHCb runs")
    runs.add_argument("--data", nargs="+", metavar="F", help="the data they were trained on (default: the sample)")
    runs.add_argument("--clusters", type=int, metavar="K", help="clusters of the PRD (default 100)")
    runs.add_argument("--clusterings", type=int, metavar="N", help="averaged over (default 10)")
    runs.add_argument("--seed", type=int, metavar="S", help="of latents and clusters (default 0)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Compare reports, or LHCb runs."""
    are_reports = [_is_report(name) for name in args.names]
    if not any(are_reports):
        return compare_lhcb.run(args)
    if not all(are_reports):
        raise ConfigError(
            f"{args.names[are_reports.index(False)]}: is no {REPORT_FILE} or folder with one, but"
            f" {args.names[are_reports.index(True)]} is: compare reports or LHCb runs, not both"
        )
    for option in RUN_OPTIONS:
        if getattr(args, option) is not None:
            raise ConfigError(f"--{option}: is for LHCb runs, found reports: leave it out")
    if len(args.names) > MAX_REPORTS:
        raise ConfigError(f"found {len(args.names)} reports, expected at most {MAX_REPORTS}: compare fewer at a time")
    from calosim_tf.report.comparison import compare_reports, comparison_table, read_reports

    reports = read_reports([Path(name) for name in args.names])
    document = compare_reports(reports, Path(args.out))
    print(json.dumps(document, indent=2) if args.json else comparison_table(reports))
    return 0


def _is_report(name: str) -> bool:
    path = Path(name)
    return path.suffix == ".json" or (path / REPORT_FILE).is_file()
