"""Size, load time, memory and time per shower of a bundle of many members: the numbers of docs/fleet.md.

    python docs/fleet_numbers.py BUNDLE_OF_ONE_MEMBER [MEMBERS]

The members are copies of one network under names of their own: their number is what counts, not what they have learnt.
"""

from __future__ import annotations

import resource
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from calosim_tf.bundle.checks import size_of
from calosim_tf.fleet.bundle import bundle_fleet
from calosim_tf.fleet.engine import remember
from calosim_tf.fleet.folder import FleetFolder
from calosim_tf.fleet.plan import read_plan
from calosim_tf.inference.fleet import FleetSampler

SLICES = 100
SHOWERS, ROUNDS, SIZES = 400, 5, (16, 300)


def made_fleet(single: Path, folder: Path, members: int) -> Path:
    """The bundle of copies of a member: particles with slices of 0.05 in eta."""
    rows = ["name,particle,eta_min,eta_max,experiment"]
    for number in range(members):
        particle, low = f"particle_{number // SLICES}", number % SLICES * 0.05
        rows.append(f"member_{number},{particle},{low:.2f},{low + 0.05:.2f},photon")
    (folder / "plan.csv").write_text("\n".join(rows))
    plan, fleet = read_plan(folder / "plan.csv"), FleetFolder(folder / "fleet")
    remember(plan, fleet)
    for member in plan.members:
        shutil.copytree(single, fleet.member(member.name).bundle)
        fleet.member(member.name).finish("export", {})
    bundle_fleet(plan, fleet, folder / "bundle")
    return folder / "bundle"


def microseconds(fleet: FleetSampler, particles: list[str], eta: np.ndarray) -> float:
    """Time of a shower at batch 1, the median of the rounds, members in memory where they have room."""
    energy = np.full(1, 16384.0)
    rounds = []
    for number in range(ROUNDS + 1):
        start = time.perf_counter()
        for particle, one in zip(particles, eta, strict=True):
            fleet.showers([particle], np.array([one]), energy, 1)
        if number:  # the first one loads
            rounds.append(1e6 * (time.perf_counter() - start) / len(particles))
    return statistics.median(rounds)


def peak_mib() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(single: Path, members: int = 300) -> None:
    """Make the bundle, time it, print."""
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, members, SHOWERS)
    particles = [f"particle_{number // SLICES}" for number in drawn]
    eta = (drawn % SLICES + 0.5) * 0.05
    with tempfile.TemporaryDirectory() as name:
        bundle = made_fleet(single, Path(name), members)
        print(f"{members} members: {size_of(bundle) / 2**20:.1f} MiB, one {size_of(single) / 2**20:.2f} MiB")
        start = time.perf_counter()
        fleet = FleetSampler(bundle, threads=1)
        opened = time.perf_counter()
        fleet.sampler(particles[0], eta[0])
        print(
            f"opened in {1e3 * (opened - start):.0f} ms, first member in {1e3 * (time.perf_counter() - opened):.0f} ms"
        )
        print(
            f"one member: {microseconds(fleet, particles[:1] * SHOWERS, np.repeat(eta[:1], SHOWERS)):.0f} us a shower"
        )
        print(f"peak memory with 1 member: {peak_mib():.0f} MiB")
        for most in SIZES:
            mixed = FleetSampler(bundle, threads=1, most_loaded=most)
            took = microseconds(mixed, particles, eta)
            print(f"mixed, at most {most} in memory: {took:.0f} us a shower, peak memory {peak_mib():.0f} MiB")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
