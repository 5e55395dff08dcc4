"""Snakemake, which runs the steps of all members (no TensorFlow)."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from calosim_tf import experiments
from calosim_tf.errors import CalosimError, ConfigError, StoppedBySignal
from calosim_tf.files import storage_errors
from calosim_tf.fleet.folder import STEPS, FleetFolder, only_one
from calosim_tf.fleet.plan import FleetPlan
from calosim_tf.messages import note

WORKFLOW = Path(experiments.__file__).parent / "hpc" / "fleet"
ENGINES = ("local", "slurm")
POLL_S = 0.5
# Of a failed step, where no profile says it
RETRIES = 2
# What Snakemake says when it has no plugin for SLURM
NO_PLUGIN = "invalid choice: 'slurm'"
# What sbatch says when it does not take a job; the plugin passes it on
REFUSED = "sbatch: error:"
DONE_WORDS = {"train": "trained", "judge": "judged", "export": "exported"}


@dataclass(frozen=True)
class EngineOptions:
    """How the workflow is run.

    Attributes
    ----------
    engine : {'local', 'slurm'}
    jobs : int
        Steps at a time.
    retries : int or None
        Times that a failed step is started again; None for what the profile says, or :data:`RETRIES`.
    profile : str
        Of Snakemake, a folder or a name; empty for none, with SLURM for the one beside the workflow.
    """

    engine: str = "local"
    jobs: int = 1
    retries: int | None = None
    profile: str = ""


def snakemake_program() -> str:
    """Snakemake: that of ``CALOSIM_SNAKEMAKE``, of this environment, of ``make install-fleet``, or of the PATH.

    Raises
    ------
    ConfigError
        There is none.
    """
    beside = Path(sys.executable).parent
    wanted = os.environ.get("CALOSIM_SNAKEMAKE", "")
    for place in (
        [wanted] if wanted else [beside / "snakemake", beside.parent / "fleet" / "bin" / "snakemake", "snakemake"]
    ):
        if found := shutil.which(str(place)):
            return found
    raise ConfigError(
        f"calosim fleet run: found no program {wanted or 'snakemake'}, expected Snakemake: pip install "
        "'calosim-tf[fleet]', with Python 3.11 make install-fleet, or name it in CALOSIM_SNAKEMAKE"
    )


def require_engine(options: EngineOptions) -> None:
    """:class:`ConfigError` unless there are Snakemake and, for SLURM, ``sbatch``."""
    snakemake_program()
    if options.engine == "slurm" and shutil.which("sbatch") is None:
        raise ConfigError("--engine slurm: found no program sbatch, expected a machine of a SLURM cluster")


def command(fleet: FleetFolder, options: EngineOptions) -> list[str]:
    """The command line of Snakemake."""
    # the lock is ours: that of Snakemake stays behind when it is killed
    words = [
        snakemake_program(),
        "--snakefile",
        str(WORKFLOW / "Snakefile"),
        "--directory",
        str(fleet.path),
        "--nolock",
    ]
    profile = options.profile or (str(WORKFLOW / "slurm") if options.engine == "slurm" else "")
    if profile:
        words += ["--profile", profile]
    if options.engine == "slurm":
        words += ["--executor", "slurm", "--jobs", str(options.jobs), *_status_command()]
    else:
        words += ["--cores", str(options.jobs)]
    retries = RETRIES if options.retries is None and not profile else options.retries
    if retries is not None:
        words += ["--retries", str(retries)]
    return [*words, "--keep-going", "--rerun-incomplete"]


def _status_command() -> list[str]:
    """The plugin asks ``sacct``, which knows no job where the cluster keeps no accounts: it would wait for ever."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        text = subprocess.run(
            ["scontrol", "show", "config"], capture_output=True, text=True, timeout=60, check=True
        ).stdout
        if re.search(r"^AccountingStorageType\s*=\s*(accounting_storage/none|\(null\))", text, re.MULTILINE):
            return ["--slurm-status-command", "squeue"]
    return []


def remember(plan: FleetPlan, fleet: FleetFolder) -> None:
    """Write ``fleet.json``: the plan, how this program is called, and what decides about each member."""
    members = {
        member.name: {
            "files": [str(path) for path in member.files],
            "record": member.record(),
            "formats": list(member.formats),
        }
        for member in plan.members
    }
    call = [sys.executable, "-m", "calosim_tf"]
    fleet.remember({"plan": str(plan.path.absolute()), "command": call, "members": members})


def run_workflow(plan: FleetPlan, fleet: FleetFolder, options: EngineOptions) -> None:
    """Run what is not done yet, and say what gets done.

    Raises
    ------
    RunFolderError
        Another process works on this fleet.
    ConfigError
        The cluster refuses a job.
    StoppedBySignal
        Ctrl-C or SIGTERM; the steps under way were asked to save themselves.
    CalosimError
        Snakemake was killed, or a member failed.
    """
    remember(plan, fleet)
    with only_one(fleet.lock) as lock, storage_errors(fleet.log), fleet.log.open("ab") as log:
        begin = log.tell()
        # a group of its own, so that a signal reaches all of it; it inherits the lock
        process = subprocess.Popen(
            command(fleet, options),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(lock,),
        )
        try:
            _watch(process, plan, fleet)
        except (KeyboardInterrupt, SystemExit) as stop:
            _stop(process)
            raise StoppedBySignal(f"{fleet.path}: stopped; start it again with the same command") from stop
    if process.returncode:
        raise _failure(process.returncode, _text_from(fleet.log, begin), plan, fleet)


def _watch(process: subprocess.Popen, plan: FleetPlan, fleet: FleetFolder) -> None:
    wanted = [(member.name, step) for member in plan.members for step in STEPS]
    before = {item: _stamp(fleet, *item) for item in wanted}
    said = set()
    while True:
        ended = process.poll() is not None
        for name, step in wanted:
            # once: Snakemake touches the file after the step has written it
            if (name, step) not in said and _stamp(fleet, name, step) not in (None, before[name, step]):
                said.add((name, step))
                note(f"{name}: {DONE_WORDS[step]}")
        if ended:
            return
        time.sleep(POLL_S)


def _stamp(fleet: FleetFolder, name: str, step: str) -> int | None:
    try:
        return (fleet.member(name).path / f"{step}.json").stat().st_mtime_ns
    except OSError:
        return None


def _stop(process: subprocess.Popen) -> None:
    """Ask Snakemake and all steps to end, and wait for them; a second signal ends the waiting."""
    note("stopping: the steps under way save themselves")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)
    process.wait()


def _text_from(path: Path, begin: int) -> str:
    with path.open("rb") as stream:
        stream.seek(begin)
        return stream.read().decode("utf-8", "replace")


def _failure(code: int, said: str, plan: FleetPlan, fleet: FleetFolder) -> CalosimError:
    """Why the workflow ended, in one line."""
    again = "start it again with the same command"
    for line in said.splitlines():
        if REFUSED in line:
            return ConfigError(f"--engine slurm: the cluster refuses a job ({line[line.index(REFUSED) :]}): {again}")
    if NO_PLUGIN in said:
        return ConfigError(
            "--engine slurm: found no SLURM plugin of Snakemake, expected the package snakemake-executor-plugin-slurm "
            "beside it"
        )
    if code < 0:
        return CalosimError(f"{fleet.path}: Snakemake was ended by {signal.Signals(-code).name}: {again}")
    open_members = [member.name for member in plan.members if not fleet.member(member.name).done(STEPS[-1])]
    reasons = [f"{name}: {reason}" for name in open_members if (reason := fleet.member(name).failure())]
    if reasons:
        count = f"{len(open_members)} of {len(plan.members)} members are not finished"
        return CalosimError(f"{count} ({_first(reasons)}): correct it, then {again}")
    return CalosimError(f"{fleet.log}: Snakemake ended with {code}, expected 0: read there why, then {again}")


def _first(reasons: Sequence[str]) -> str:
    return reasons[0] + (f" and {len(reasons) - 1} more" if len(reasons) > 1 else "")
