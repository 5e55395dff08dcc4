"""``calosim data``: fetch, convert, simulate and look at data files before training on them."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from calosim_tf.commands.file_options import add_binning, add_detector, add_keys, chosen_detector
from calosim_tf.errors import ConfigError
from calosim_tf.messages import warn

DEFAULT_SEED = 0


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("data", help="fetch, convert, simulate or check data files")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    _add_check(actions)
    _add_fetch(actions)
    _add_convert(actions)
    _add_simulate(actions)


def _add_check(actions) -> None:
    check = actions.add_parser("check", help="layout, units, content and checksum of a data file")
    check.add_argument("file", nargs="+")
    add_detector(check, "expected layout (default: from the number of voxels)")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(run=run_check)


def _add_fetch(actions) -> None:
    fetch = actions.add_parser("fetch", help="download a public file, resuming if interrupted, and check its checksum")
    fetch.add_argument("name", nargs="?", help="for example dataset_1_photons_1")
    fetch.add_argument("--out", metavar="DIR", help="folder (default: CALOSIM_DATA, else ~/.cache/calosim)")
    fetch.add_argument("--list", action="store_true", help="print the known files instead")
    fetch.set_defaults(run=run_fetch)


def _add_convert(actions) -> None:
    convert = actions.add_parser("convert", help="CSV or ROOT to HDF5, or npz to HDF5 and back")
    convert.add_argument("file", nargs="+", help="CSV files (one per incident energy), or one ROOT, npz or HDF5 file")
    layout = convert.add_mutually_exclusive_group(required=True)
    layout.add_argument("--to", metavar="LAYOUT", help="photon, pion, ... or lhcb; for ROOT files any detector")
    add_binning(layout)
    convert.add_argument("--out", required=True, metavar="F")
    convert.add_argument(
        "--energy",
        type=float,
        metavar="MEV",
        help="incident energy of all showers (default: from CSV file names like pid22_E65536_...csv)",
    )
    add_keys(convert)
    convert.add_argument("--tree", default="", metavar="NAME", help="of a ROOT file that has several")
    convert.add_argument("--force", action="store_true", help="replace an existing file")
    convert.set_defaults(run=run_convert)


def _add_simulate(actions) -> None:
    simulate = actions.add_parser("simulate", help="parametrised showers, where no simulated ones are available")
    simulate.add_argument(
        "layout",
        metavar="LAYOUT",
        help="photon, photon_piplus, pion, lhcb, calogan, calogan_gamma, calogan_piplus, calogan_central, "
        "calogan_central_gamma, calogan_central_piplus, clic, clic_angle, ilc or "
        "jet_image",
    )
    simulate.add_argument("--out", required=True, metavar="F")
    simulate.add_argument("--events", required=True, type=int, metavar="N")
    simulate.add_argument("--seed", type=int, default=DEFAULT_SEED, metavar="S")
    simulate.add_argument("--force", action="store_true", help="replace an existing file")
    simulate.set_defaults(run=run_simulate)


def run_check(args: argparse.Namespace) -> int:
    """Read the whole file once and report."""
    from calosim_tf.data.checks import check_report, format_report
    from calosim_tf.geometry import file_keys

    report = check_report(args.file, chosen_detector(args, None), file_keys(args.keys))
    print(json.dumps(report, indent=2) if args.json else format_report(report))
    return 0


def run_fetch(args: argparse.Namespace) -> int:
    """Download one public file; its path is the first line on stdout."""
    from calosim_tf.data_prep.sources import data_folder, format_sources, get_public_file

    if args.list:
        print(format_sources())
        return 0
    if args.name is None:
        raise ConfigError("the name of a public file is missing: calosim data fetch --list shows all")
    from calosim_tf.data_prep.fetch import fetch

    source = get_public_file(args.name)
    fetched = fetch(source, Path(os.path.expanduser(args.out)) if args.out else data_folder())
    if not fetched.verified:
        warn(
            f"no published checksum of {source.name} is known, so its content was not compared; sha256 {fetched.sha256}"
        )
    checked = f"checksum as in {source.record}" if fetched.verified else "checksum not compared"
    state = "fetched" if fetched.downloaded else "was there already"
    print(fetched.path)
    print(f"{state}, {fetched.n_bytes} bytes, {checked}, sha256 {fetched.sha256}")
    print(f"cite {source.cite}; licence {source.licence}: {source.record}")
    if source.note:
        print(source.note)
    return 0


def run_convert(args: argparse.Namespace) -> int:
    """Write one file in the wanted layout."""
    from calosim_tf.data_prep.convert import convert
    from calosim_tf.geometry import file_keys
    from calosim_tf.geometry.binning import read_binning

    if args.energy is not None and not 0 < args.energy < float("inf"):
        raise ConfigError(f"--energy {args.energy:g}: expected a positive number of MeV")
    done = convert(
        [Path(file) for file in args.file],
        read_binning(Path(args.binning)) if args.binning else args.to,
        Path(args.out),
        incident_energy_mev=args.energy,
        keys=file_keys(args.keys),
        tree=args.tree,
        overwrite=args.force,
    )
    print(f"{done.out}: {done.events} events")
    for note in done.notes:
        print(f"  {note}")
    return 0


def run_simulate(args: argparse.Namespace) -> int:
    """Write parametrised showers."""
    from calosim_tf.data_prep.simulate import simulate_to_file

    simulate_to_file(args.layout, Path(args.out), args.events, args.seed, overwrite=args.force)
    print(f"{args.out}: {args.events} events")
    return 0
