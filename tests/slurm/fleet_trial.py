"""Twelve members on a SLURM, killed twice, against trainings that nobody disturbed: the trial of docs/fleet.md.

    python -m tests.slurm.fleet_trial FOLDER

Needs what the tests of this folder need, and 20 to 40 minutes on two cores.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from calosim_tf.fleet.engine import WORKFLOW, snakemake_program
from calosim_tf.fleet.folder import FleetFolder

from .cluster import PARTITION, Cluster, wait_for

# particle -> experiment and layout of its simulator
PARTICLES = {"photon": ("photon", "photon"), "electron": ("photon", "photon"), "pion": ("pion", "pion")}
SLICES, EVENTS, ITERATIONS, JOBS = 4, 1200, 20, 2
SETTINGS = (
    "network.latent.size=4 network.generator_units=6,5 network.critic_units=7,6 training.batch_size=16 "
    f"training.critic_steps=2 training.checkpoint_every=5 training.iterations={ITERATIONS}"
)
LONG_S = 3600.0


def main(folder: Path) -> None:
    """Run, kill, run again, compare."""
    folder.mkdir(parents=True)
    plan = _plan(folder)
    (folder / "profile").mkdir()
    shipped = (WORKFLOW / "slurm" / "config.yaml").read_text()
    # the plugin looks after its jobs every 40 s
    lines = ("slurm-init-seconds-before-status-checks: 3", "default-resources:", f"  slurm_partition: {PARTITION}")
    (folder / "profile" / "config.yaml").write_text(shipped.replace("default-resources:", "\n".join(lines)))
    with tempfile.TemporaryDirectory(prefix="calosim-slurm-") as place:
        cluster = Cluster(Path(place))
        try:
            cluster.start()
            begin = time.monotonic()
            _disturbed(cluster, plan, folder)
            print(f"12 members in {(time.monotonic() - begin) / 60:.0f} minutes, load {os.getloadavg()[1]:.1f}")
        finally:
            cluster.stop()
    for words in (("report", folder / "fleet"), ("bundle", folder / "fleet", "--out", folder / "bundle")):
        subprocess.run([sys.executable, "-m", "calosim_tf", "fleet", *map(str, words)], check=True)
    _compare(plan, folder)


def _plan(folder: Path) -> Path:
    """The plan, and a file of simulated showers for each member."""
    rows = ["name,particle,eta_min,eta_max,experiment,data,settings,seed"]
    for number, (particle, (experiment, layout)) in enumerate(PARTICLES.items()):
        for slice_ in range(SLICES):
            name, seed = f"{particle}_{slice_}", 1 + number * SLICES + slice_
            words = ("data", "simulate", layout, "--out", folder / f"{name}.hdf5", "--events", EVENTS, "--seed", seed)
            subprocess.run([sys.executable, "-m", "calosim_tf", *map(str, words)], check=True, capture_output=True)
            rows.append(f'{name},{particle},{slice_},{slice_ + 1},{experiment},{name}.hdf5,"{SETTINGS}",{seed}')
    (folder / "plan.csv").write_text("\n".join(rows) + "\n")
    return folder / "plan.csv"


def _disturbed(cluster: Cluster, plan: Path, folder: Path) -> None:
    """Kill Snakemake during the first trainings, then a training; the same command each time."""
    fleet = FleetFolder(folder / "fleet")

    def start(number: int) -> subprocess.Popen:
        words = ("fleet", "run", plan, "--out", fleet.path, "--engine", "slurm", "--jobs", JOBS)
        with (folder / f"run_{number}.txt").open("w") as stream:
            return subprocess.Popen(
                [sys.executable, "-m", "calosim_tf", *map(str, words), "--profile", str(folder / "profile")],
                env=cluster.environment, stdout=stream, stderr=stream,
            )  # fmt: skip

    process = start(1)
    trained = wait_for(lambda: _trainings(fleet), "the first training", 600)
    # those whose jobs the killed Snakemake leaves behind
    left = [path.name for path in (fleet.path / "members").iterdir()]
    (workflow,) = (number for number in _processes(snakemake_program()) if os.getpgid(number) == number)
    os.kill(workflow, signal.SIGKILL)
    print(f"killed Snakemake while {sorted(trained)} trained; the command ended with {process.wait(timeout=60)}")
    process = start(2)
    name = wait_for(lambda: _killed(fleet, left), "another training after its first checkpoint", 900)
    print(f"killed the training of {name} at checkpoint {(fleet.member(name).run / 'checkpoints/latest').read_text()}")
    print(f"the second run ended with {process.wait(timeout=LONG_S)}")
    print((folder / "run_2.txt").read_text())


def _trainings(fleet: FleetFolder) -> dict[str, list[int]]:
    """Member -> numbers of the processes that train it and have its run folder, but no end of it."""
    found: dict[str, list[int]] = {}
    for number, words in _commands().items():
        if "train" in words and str(fleet.path) in _working_folder(number) and "calosim_tf" in words:
            name = words[words.index("train") + 1]
            folder = fleet.member(name)
            if (folder.run / "config.json").exists() and not folder.done("train"):
                found.setdefault(name, []).append(number)
    return found


def _killed(fleet: FleetFolder, known: list[str]) -> str:
    """Name of a member that is none of these and was killed in its training just now; empty for none."""
    for name, numbers in _trainings(fleet).items():
        if name not in known and (fleet.member(name).run / "checkpoints" / "latest").exists():
            with contextlib.suppress(ProcessLookupError):
                for number in numbers:
                    os.kill(number, signal.SIGKILL)
                if not fleet.member(name).done("train"):
                    return name
    return ""


def _processes(word: str) -> list[int]:
    return [number for number, words in _commands().items() if word in words]


def _commands() -> dict[int, list[str]]:
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
    return found


def _working_folder(number: int) -> str:
    try:
        return os.readlink(f"/proc/{number}/cwd")
    except OSError:
        return ""


def _compare(plan: Path, folder: Path) -> None:
    """Train each member again, undisturbed and without an engine, and compare the SHA-256 of all checkpoints."""
    names = [path.name for path in sorted((folder / "fleet" / "members").iterdir())]

    def train(name: str) -> bool:
        words = ("fleet", "step", "train", name, "--plan", plan, "--out", folder / "straight")
        subprocess.run([sys.executable, "-m", "calosim_tf", *map(str, words)], check=True, capture_output=True)
        files = [folder / where / "members" / name / "train.json" for where in ("fleet", "straight")]
        found, expected = (json.loads(path.read_text()) for path in files)
        assert expected["iteration"] == ITERATIONS
        assert expected["checkpoints"]
        return found == expected

    with ThreadPoolExecutor(JOBS) as pool:
        same = dict(zip(names, pool.map(train, names), strict=True))
    print(f"{sum(same.values())} of {len(same)} members have the checkpoints of an undisturbed training")
    assert all(same.values()), same


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
