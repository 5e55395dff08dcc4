"""``calosim fleet``: many generators, one per particle and slice in eta, by way of Snakemake."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from calosim_tf.errors import ConfigError
from calosim_tf.messages import note

if TYPE_CHECKING:
    from calosim_tf.fleet.folder import FleetFolder
    from calosim_tf.fleet.plan import FleetPlan

EPILOG = """a plan in CSV, one row per generator:
  name,particle,eta_min,eta_max,experiment,data,settings,seed
  photon_0,photon,0.00,0.05,fastcalogan_v2_photon,photon_0_5.hdf5,training.iterations=1000,1
  photon_5,photon,0.05,0.10,fastcalogan_v2_photon,photon_5_10.hdf5,training.iterations=1000,2
"""


def add_parser(subparsers) -> None:
    """Describe the commands."""
    parser = subparsers.add_parser(
        "fleet",
        help="train, judge and bundle many generators, one per particle and eta slice",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="fleet", required=True, metavar="ACTION")
    plan = commands.add_parser("plan", help="check a plan: files, layouts, settings, gaps and overlaps")
    _add_plan(plan, run_plan)
    plan.add_argument("--out", metavar="DIR", help="also write DIR/fleet.json, for plain Snakemake")
    plan.add_argument("--json", action="store_true")
    _add_run(commands)
    status = commands.add_parser("status", help="how far each member is")
    status.add_argument("folder", metavar="DIR", help="that of `fleet run --out`")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=run_status)
    report = commands.add_parser("report", help="one page: heat maps over particle and eta, worst members first")
    report.add_argument("folder", metavar="DIR")
    report.set_defaults(run=run_report)
    bundle = commands.add_parser("bundle", help="all members as one bundle for `generate --particle P --eta X`")
    bundle.add_argument("folder", metavar="DIR")
    bundle.add_argument("--out", metavar="F", help="folder of the bundle (default DIR/bundle)")
    bundle.add_argument("--only-finished", action="store_true", help="leave out members that are not exported yet")
    bundle.add_argument("--force", action="store_true", help="replace an earlier bundle")
    bundle.set_defaults(run=run_bundle)
    step = commands.add_parser("step", help="one step of one member, as the workflow runs it")
    step.add_argument("step", metavar="STEP", help="train, judge or export")
    step.add_argument("name", metavar="NAME", help="member of the plan")
    step.add_argument("--plan", required=True, metavar="PLAN")
    step.add_argument("--out", required=True, metavar="DIR")
    step.set_defaults(run=run_step)


def _add_plan(parser, run) -> None:
    parser.add_argument("plan", metavar="PLAN", help="CSV or YAML table of members")
    parser.add_argument("--allow-gaps", action="store_true", help="take a plan that leaves out slices or energies")
    parser.set_defaults(run=run)


def _add_run(commands) -> None:
    run = commands.add_parser("run", help="train, judge and export what is not done yet")
    _add_plan(run, run_fleet)
    run.add_argument("--out", required=True, metavar="DIR")
    run.add_argument("--jobs", type=int, default=1, metavar="N", help="members at a time (default 1)")
    run.add_argument("--engine", default="local", metavar="local|slurm", help="where the members run (default local)")
    run.add_argument("--retries", type=int, metavar="N", help="of a failed step (default 2, or what the profile says)")
    run.add_argument("--profile", default="", metavar="P", help="profile of Snakemake: partition, account, time limits")


def run_plan(args: argparse.Namespace) -> int:
    """Check a plan and say what it holds."""
    from calosim_tf.fleet.checks import check_plan
    from calosim_tf.fleet.engine import remember
    from calosim_tf.fleet.folder import FleetFolder
    from calosim_tf.fleet.plan import read_plan

    plan = read_plan(args.plan)
    slices = check_plan(plan, args.allow_gaps)
    if args.out:
        remember(plan, FleetFolder(Path(args.out)))
    if args.json:
        members = [{"name": member.name, **member.lasting()} for member in plan.members]
        print(json.dumps({"members": members, "slices": [item.words for item in slices if item.members]}, indent=1))
        return 0
    for particle in dict.fromkeys(item.particle for item in slices):
        own = [item for item in slices if item.particle == particle and item.members]
        count = sum(member.particle == particle for member in plan.members)
        low, high = own[0].eta_range[0], own[-1].eta_range[1]
        print(f"{particle}: {count} members, {len(own)} slices, {low:g} < |eta| < {high:g}")
    return 0


def run_fleet(args: argparse.Namespace) -> int:
    """Check everything, then run the workflow."""
    from calosim_tf.fleet.checks import check_plan
    from calosim_tf.fleet.engine import ENGINES, EngineOptions, require_engine, run_workflow
    from calosim_tf.fleet.folder import FleetFolder
    from calosim_tf.fleet.plan import read_plan
    from calosim_tf.fleet.status import fleet_status, status_table

    if args.engine not in ENGINES:
        raise ConfigError(f"--engine: found {args.engine!r}, expected one of: {', '.join(ENGINES)}")
    for option, value, least in (("--jobs", args.jobs, 1), ("--retries", args.retries, 0)):
        if value is not None and value < least:
            raise ConfigError(f"{option}: found {value}, expected an integer >= {least}")
    options = EngineOptions(args.engine, args.jobs, args.retries, args.profile)
    require_engine(options)
    plan, fleet = read_plan(args.plan), FleetFolder(Path(args.out))
    check_plan(plan, args.allow_gaps)
    try:
        run_workflow(plan, fleet, options)
    finally:
        print(status_table(fleet_status(plan, fleet)))
    return 0


def run_status(args: argparse.Namespace) -> int:
    """Print the table."""
    from calosim_tf.fleet.status import fleet_status, status_table

    rows = fleet_status(*_opened(args.folder))
    print(json.dumps([row.to_dict() for row in rows], indent=1) if args.json else status_table(rows))
    return 0


def run_report(args: argparse.Namespace) -> int:
    """Write the page."""
    from calosim_tf.fleet.report import write_fleet_report

    plan, fleet = _opened(args.folder)
    document = write_fleet_report(plan, fleet)
    worst = document["order"][0]
    times = document["members"][worst]["times_mc"]
    if times is not None:
        print(f"worst member: {worst}, its metrics are at a median of {times:.3g} times Monte Carlo against itself")
    print(f"report: {fleet.report / 'report.html'}")
    return 0


def run_bundle(args: argparse.Namespace) -> int:
    """Write the bundle."""
    from calosim_tf.fleet.bundle import bundle_fleet

    plan, fleet = _opened(args.folder)
    out = Path(args.out) if args.out else fleet.path / "bundle"
    rows = bundle_fleet(plan, fleet, out, force=args.force, only_finished=args.only_finished)
    note(f"{out}: {len(rows)} slices of {', '.join(dict.fromkeys(row[0] for row in rows))}")
    return 0


def run_step(args: argparse.Namespace) -> int:
    """Run one step of a member."""
    from calosim_tf.fleet.folder import STEPS, FleetFolder
    from calosim_tf.fleet.plan import read_plan
    from calosim_tf.fleet.steps import run_step as run_member_step

    if args.step not in STEPS:
        raise ConfigError(f"STEP: found {args.step!r}, expected one of: {', '.join(STEPS)}")
    run_member_step(args.step, read_plan(args.plan).member(args.name), FleetFolder(Path(args.out)))
    return 0


def _opened(folder: str) -> tuple[FleetPlan, FleetFolder]:
    """Plan and folder of a fleet that was begun."""
    from calosim_tf.fleet.folder import FleetFolder
    from calosim_tf.fleet.plan import read_plan

    fleet = FleetFolder(Path(folder))
    return read_plan(fleet.plan_path()), fleet
