"""Real processes that are killed at chosen points and resumed, and counts of what was tried."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

WORKERS = 2
# Iterations, checkpoints at 2, 4 and 5 of which one is kept in addition to the best: every write, move and removal
# happens
COMMON = ("training.checkpoint_every=2", "training.log_every=3", "run.keep_checkpoints=1", "run.seed=5")
ITERATIONS = 5
PHOTON = (
    *("network.latent.size=4", "network.generator_units=6,5", "network.critic_units=7,6"),
    *("training.batch_size=16", "training.critic_steps=2"),
)
LHCB = (
    *("network.latent.size=6", "network.generator_filters=8,6,5,4", "network.critic_filters=4,5,6,8"),
    *("network.critic_units=6", "network.attention=none", "training.batch_size=6", "training.critic_steps=2"),
)
CALOGAN = (
    *("network.latent.size=6", "network.seed_channels=2", "network.generator_filters=3,2"),
    *("network.smearing_filters=2", "network.critic_filters=2,3,2", "network.attribute_units=6,5"),
    "network.attribute_dropout=0.2,0.5",
    *("network.minibatch_features=2", "network.minibatch_dimensions=2", "training.batch_size=6"),
    "training.generator_steps=1",
)
# Loss -> experiment and settings; data are the fixture below
LOSSES = {
    "wasserstein": ("photon", PHOTON),
    "hinge": ("lhcb_sagan_sn_gd", LHCB),
    "non-saturating": ("conditional_calogan_eplus", CALOGAN),
}


class Nurseries:
    """Several, for cases that run side by side."""

    def __init__(self, new_nursery: Callable, folder: Path):
        self.free: queue.Queue = queue.Queue()
        self.all = [new_nursery(folder) for _ in range(WORKERS)]
        for nursery in self.all:
            self.free.put(nursery)

    @contextmanager
    def one(self):
        nursery = self.free.get()
        try:
            yield nursery
        finally:
            self.free.put(nursery)

    def each(self, case: Callable[[object, object], object], items: Iterable) -> list:
        """``case(nursery, item)`` for all items, as many at a time as there are nurseries."""

        def run(item):
            with self.one() as nursery:
                return case(nursery, item)

        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(run, items))


@pytest.fixture(scope="session")
def nurseries(tmp_path_factory, new_nursery):
    found = Nurseries(new_nursery, tmp_path_factory.mktemp("nursery"))
    yield found
    for nursery in found.all:
        nursery.close()


@pytest.fixture(scope="session")
def data_files(public_like_file, cells, store, tmp_path_factory) -> dict[str, Path]:
    """Experiment -> a small file of its detector."""
    folder = tmp_path_factory.mktemp("data")
    return {
        "photon": public_like_file,
        "lhcb_sagan_sn_gd": store(folder / "lhcb.hdf5", cells("lhcb", 40)),
        "conditional_calogan_eplus": store(folder / "calogan.hdf5", cells("calogan", 40)),
    }


@pytest.fixture(scope="session")
def tiny_losses():
    """Loss -> experiment and settings of its tiny run."""
    return {loss: (name, (*settings, *COMMON)) for loss, (name, settings) in LOSSES.items()}


@pytest.fixture(scope="session")
def command(data_files):
    """``command(loss, out, *more)``: arguments that begin or go on with the tiny run of a loss."""

    def arguments(loss: str, out: Path, *more: str, iterations: int = ITERATIONS) -> list[str]:
        experiment, settings = LOSSES[loss]
        words = ["train", experiment, "--data", data_files[experiment], "--out", out, "--resume", "--no-report"]
        return [*map(str, words), "--iterations", str(iterations), "--set", *settings, *COMMON, *more]

    return arguments


@pytest.fixture(scope="session")
def outcome():
    """``outcome(run)``: all that a run leaves and that must not depend on how often it was killed."""

    def read(run: Path, iteration: int = ITERATIONS) -> dict[str, object]:
        manifest = json.loads((run / "checkpoints" / str(iteration) / "manifest.json").read_text())
        texts = {name: (run / name).read_text() for name in ("history.csv", "selection.csv")}
        texts |= {name: (run / "checkpoints" / name).read_text() for name in ("latest", "best")}
        left = sorted(path.name for path in run.rglob("*") if ".partial-" in path.name or path.name == "lock.json")
        status = json.loads((run / "status.json").read_text())
        kept = sorted(path.name for path in (run / "checkpoints").iterdir())
        # the sums of the files are those of all weights, slots, statistics and counters, bit by bit
        return {"sha256": manifest["sha256"], "status": status, "left over": left, "kept": kept, **texts}

    return read


class Straight:
    """Loss -> outcome of the uninterrupted run and its points (number, stage, action, name); made on first use."""

    def __init__(self, nurseries: Nurseries, command: Callable, outcome: Callable, folder: Path):
        self.nurseries, self.command, self.outcome, self.folder = nurseries, command, outcome, folder
        self.known: dict[str, tuple[dict, list]] = {}

    def __getitem__(self, loss: str) -> tuple[dict, list]:
        if loss not in self.known:
            run, log = self.folder / loss, self.folder / f"{loss}.points"
            with self.nurseries.one() as nursery:
                code, messages = nursery.run(*self.command(loss, run), CALOSIM_FAULT_LOG=str(log))
            assert code == 0, messages
            points = [line.split("\t") for line in log.read_text().splitlines()]
            self.known[loss] = self.outcome(run), [(int(number), *words) for number, *words in points]
        return self.known[loss]


@pytest.fixture(scope="session")
def straight(nurseries, command, outcome, tmp_path_factory):
    """:class:`Straight`."""
    return Straight(nurseries, command, outcome, tmp_path_factory.mktemp("straight"))


NEW_COUNTS: dict[str, str] = {}
COUNTS: dict[str, str] = {}


@pytest.fixture(scope="session")
def count():
    """``count(what, text)``: a line of the summary at the end."""

    def note(what: str, text: object) -> None:
        NEW_COUNTS[what] = str(text)

    return note


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Counts travel with the report of the test: it is another process that prints the summary of ``pytest -n``."""
    report = yield
    report.user_properties.extend(("fault", pair) for pair in NEW_COUNTS.items())
    NEW_COUNTS.clear()
    return report


def pytest_runtest_logreport(report):
    COUNTS.update(pair for name, pair in report.user_properties if name == "fault")


def pytest_terminal_summary(terminalreporter):
    if COUNTS:
        terminalreporter.section("faults that were tried")
        for what, text in COUNTS.items():
            terminalreporter.write_line(f"{what}: {text}")


@pytest.fixture
def calosim_process():
    """Start ``python -m calosim_tf`` with these arguments and leave it running; killed at the end of the test."""
    started = []

    def start(*arguments: object) -> subprocess.Popen:
        command = [sys.executable, "-m", "calosim_tf", *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
