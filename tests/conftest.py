"""Fixtures shared by all tests."""

from __future__ import annotations

import gc
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest

from calosim_tf import messages
from calosim_tf.geometry import PHOTON

# CaloChallenge data set 1, photons: incident energies and published events per file.
PUBLIC_ENERGIES_MEV = 2.0 ** np.arange(8, 23)
PUBLIC_PHOTON_EVENTS = np.array([10_000] * 11 + [5_000, 3_000, 2_000, 1_000])


def made_up_photons(events_per_energy: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mixed photon showers of the public energies: incident energies (n,) and showers (n, 368), MeV, float64.

    Layer shares move to the back with energy, rings fall off exponentially, and voxels fluctuate as gamma variates
    whose variance is 5 MeV times their mean.  So low energies are sparse, and the response is 12 % wide at 256 MeV.
    """
    rng = np.random.default_rng(seed)
    incident = rng.permutation(np.repeat(PUBLIC_ENERGIES_MEV, events_per_energy))
    depth = np.log2(incident / 256) / 14  # 0 at the lowest, 1 at the highest energy
    front, back = np.array([0.12, 0.45, 0.42, 0.005, 0.005]), np.array([0.01, 0.15, 0.80, 0.035, 0.005])
    layer_share = front + depth[:, None] * (back - front)
    response = 0.78 + 0.21 * np.sqrt(depth)
    columns = []
    for layer, share in zip(PHOTON.layers, layer_share.T, strict=True):
        ring = np.exp(-layer.r_mid_mm / 15.0) * np.diff(layer.r_edges_mm)
        ring_share = np.tile(ring / ring.sum() / layer.n_alpha, layer.n_alpha)
        columns.append((response * share * incident)[:, None] * ring_share)
    grain_mev = 5.0
    showers = rng.gamma(np.concatenate(columns, axis=1) / grain_mev, grain_mev)
    showers[showers < 0.01] = 0.0
    return incident, showers


def write_layout(path: Path, incident: np.ndarray, showers: np.ndarray, **options) -> Path:
    """CaloChallenge layout as h5py writes it by default; ``options`` go to ``create_dataset`` of the showers."""
    with h5py.File(path, "w") as file:
        file.create_dataset("incident_energies", data=incident.reshape(-1, 1), compression="gzip")
        file.create_dataset("showers", data=showers, **options)
    return path


@pytest.fixture(scope="session")
def photon_showers() -> tuple[np.ndarray, np.ndarray]:
    """1210 made-up photon showers: the public energies, a hundredth of the public numbers of events."""
    return made_up_photons(PUBLIC_PHOTON_EVENTS // 100, seed=1)


@pytest.fixture(scope="session")
def public_like_file(tmp_path_factory, photon_showers) -> Path:
    """File laid out like the public photon file: float64, gzip, 15 energies, mixed."""
    path = tmp_path_factory.mktemp("public_like") / "dataset_1_photons_1.hdf5"
    return write_layout(path, *photon_showers, compression="gzip")


def made_up_cells(layout: str, events: int, seed: int = 3) -> dict[str, np.ndarray]:
    """Arrays of a file of ``lhcb`` (rows count y), ``calogan``, ``jet_image``, ``ecal``, ``ecal_angle`` or ``ilc``.

    Every cell has a different number, so that no exchange of axes goes unnoticed.
    """
    rng = np.random.default_rng(seed)
    energy_gev = rng.uniform(2.0, 60.0, events)
    if layout == "lhcb":
        slopes, spot_cm = rng.normal(0.0, 0.175, (events, 2)), rng.uniform(-1.0, 1.0, (events, 2))
        direction = np.concatenate([slopes, np.ones((events, 1))], axis=1)
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        cells = np.arange(30) - 14.5
        x, y = ((spot_cm + 10 * slopes) / 2.0).T
        shape = np.exp(-np.hypot(cells[None, :, None] - y[:, None, None], cells[None, None, :] - x[:, None, None]))
        shape *= rng.uniform(0.5, 1.0, shape.shape)
        point = np.concatenate([spot_cm - 15 * slopes, np.full((events, 1), -19.8)], axis=1)
        deposits = 160.0 * energy_gev[:, None, None] * shape / shape.sum(axis=(1, 2), keepdims=True)
        return {
            "EnergyDeposit": deposits.astype("f4")[..., None],
            "ParticleMomentum": (direction * energy_gev[:, None]).astype("f4"),
            "ParticlePoint": point.astype("f4"),
            "ParticlePDG": np.full(events, 11, dtype="i4"),
        }
    if layout == "calogan":
        shares = zip((0.1, 0.7, 0.19), ((3, 96), (12, 12), (12, 6)), strict=True)
        layers = [share * rng.dirichlet(np.ones(a * b), events).reshape(events, a, b) for share, (a, b) in shares]
        theta, phi = rng.uniform(1.3, 1.8, events), rng.uniform(-0.3, 0.3, events)
        momentum = energy_gev * np.array([-np.sin(theta) * np.sin(phi), np.cos(theta), np.sin(theta) * np.cos(phi)])
        columns = {"energy": energy_gev, **dict(zip(("px", "py", "pz"), momentum, strict=True))}
        columns |= {name: rng.uniform(-50.0, 50.0, events) for name in ("x0", "y0")}
        cells = {f"layer_{i}": 1e3 * energy_gev[:, None, None] * layer for i, layer in enumerate(layers)}
        cells["overflow"] = rng.uniform(0.0, 1.0, (events, 3))
        return {name: values.astype("f4") for name, values in cells.items()} | {
            name: values[:, None].astype("f4") for name, values in columns.items()
        }
    if layout == "jet_image":
        images = rng.exponential(0.1, (events, 25, 25)) + np.exp(-np.arange(625.0).reshape(25, 25) / 90)
        images *= rng.uniform(250.0, 300.0, (events, 1, 1)) / images.sum(axis=(1, 2), keepdims=True)
        return {"image": images.astype("f4"), "signal": (np.arange(events) % 2).astype("f4")}
    if layout == "ilc":
        cells = rng.uniform(0.0, 1.0, (events, 30, 30, 30)).astype("f4")
        cells *= (20.0 * energy_gev / cells.sum(axis=(1, 2, 3)))[:, None, None, None].astype("f4")
        return {"30x30/layers": cells, "30x30/energy": energy_gev[:, None].astype("f4")}
    shape, unit = {"ecal": ((25, 25, 25), 1.0), "ecal_angle": ((51, 51, 25), 50.0)}[layout]
    cells = rng.uniform(0.0, 1.0, (events, *shape)).astype("f4")
    cells *= (0.02 * unit * energy_gev / cells.sum(axis=(1, 2, 3)))[:, None, None, None].astype("f4")
    if layout == "ecal":
        target = np.zeros((events, 5), dtype="f4")
        target[:, 0], target[:, 1] = 11, energy_gev
        return {"ECAL": cells, "target": target}
    return {"ECAL": cells, "energy": energy_gev.astype("f4"), "theta": rng.uniform(1.1, 2.0, events).astype("f4")}


def write_arrays(
    path: Path, arrays: dict[str, np.ndarray], attributes: dict[str, str] | None = None, **options
) -> Path:
    """Plain npz or HDF5 by the ending of the name; ``options`` go to ``create_dataset``."""
    if path.suffix == ".npz":
        np.savez(path, **arrays)
        return path
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, **options)
        file.attrs.update(attributes or {})
    return path


@pytest.fixture(scope="session")
def cells():
    """``cells(layout, events, seed)``: :func:`made_up_cells`."""
    return made_up_cells


@pytest.fixture(scope="session")
def store():
    """``store(path, arrays, attributes, **options)``: :func:`write_arrays`."""
    return write_arrays


class Nursery:
    """Client of ``nursery.py``: processes of ``calosim`` without the slow start."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None):
        self.folder = folder
        self.count = 0
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("nursery.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._receive()

    def start(
        self, *arguments: object, cwd: Path | None = None, imports: Sequence[str] = (), **environment: str
    ) -> Child:
        """Start ``calosim`` with these arguments, in a process that has imported these modules first."""
        self.count += 1
        output = self.folder / f"{self.process.pid}-{self.count}"
        request = {
            "do": "start", "arguments": [str(item) for item in arguments], "environment": environment,
            "folder": str(cwd or os.getcwd()), "imports": list(imports),
            "stdout": f"{output}.out", "stderr": f"{output}.err",
        }  # fmt: skip
        return Child(self, self._ask(request)["pid"], Path(f"{output}.out"), Path(f"{output}.err"))

    def run(self, *arguments: object, **environment: str) -> tuple[int | str, str]:
        """Exit code and stderr of a finished (or stopped) ``calosim``."""
        child = self.start(*arguments, **environment)
        return child.wait(), child.messages()

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def ask_wait(self, pid: int) -> int | str:
        return self._ask({"do": "wait", "pid": pid})["code"]

    def _ask(self, request: dict) -> dict:
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self._receive()

    def _receive(self) -> dict:
        line = self.process.stdout.readline()
        assert line, "the nursery died"
        return json.loads(line)


class Child:
    """One ``calosim`` process."""

    def __init__(self, nursery: Nursery, pid: int, output: Path, errors: Path):
        self.nursery, self.pid, self.output, self.errors = nursery, pid, output, errors

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int | str:
        return self.nursery.ask_wait(self.pid)

    def messages(self) -> str:
        return self.errors.read_text()


@pytest.fixture(autouse=True)
def usual_loudness():
    """No test is quiet because a command of an earlier one in this process was."""
    messages.set_verbosity(messages.NORMAL)


@pytest.fixture(scope="session")
def new_nursery():
    """:class:`Nursery`, for other fixtures."""
    return Nursery


@pytest.fixture(scope="session")
def calosim(tmp_path_factory):
    """Run ``calosim`` with these arguments; returns the finished process with text output.

    The process is forked from one that has imported TensorFlow, which saves seconds each time; with an environment of
    its own, or with more to say than usual, it starts from nothing.
    """
    # a test that runs a command inside this process leaves the log level of TensorFlow behind
    inherited = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    nurseries = []

    def run(*arguments, cwd=None, **environment):
        if not environment and not {"-v", "--verbose"} & set(arguments):
            if not nurseries:
                nurseries.append(Nursery(tmp_path_factory.mktemp("nursery"), inherited))
            child = nurseries[0].start(*arguments, cwd=cwd)
            code = child.wait()
            return subprocess.CompletedProcess(arguments, code, child.output.read_text(), child.messages())
        return subprocess.run(
            [sys.executable, "-m", "calosim_tf", *map(str, arguments)],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**inherited, **environment},
            timeout=280,
            check=False,
        )

    yield run
    for nursery in nurseries:
        nursery.close()


@pytest.fixture(scope="session")
def without_tensorflow(tmp_path_factory):
    """Environment in which importing tensorflow fails loudly: what passes here never imports it."""
    folder = tmp_path_factory.mktemp("no_tensorflow")
    (folder / "tensorflow.py").write_text("raise RuntimeError('tensorflow was imported')\n")
    return {"PYTHONPATH": str(folder)}


def worker_processes(command, number=2):
    """Processes of a cluster on this machine; standard error as text."""
    from calosim_tf.benchmark.worker_group import cluster_environments

    return [
        subprocess.Popen(
            [sys.executable, *map(str, command)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **environment},
        )
        for environment in cluster_environments(number)
    ]


@pytest.fixture
def start_workers():
    """:func:`worker_processes`; none of them outlives the test."""
    started = []

    def start(command):
        started.extend(worker_processes(command))
        return started[-2:]

    yield start
    for process in started:
        process.kill()
        process.communicate()


# Real commands, processes of a cluster, runs of every family, a report with its pictures: what uses one of these, also
# by another fixture, is slow, and so are trainings on replicas.  Other tests that take more than about a second carry
# the marker themselves.
SLOW_FIXTURES = frozenset({"calosim", "new_nursery", "start_workers", "run_of", "report"})


# What repeats whole trainings, times whole commands, or builds networks of up to 100 million weights: make test-long
LONG_FILES = frozenset({
    "test_accelerator.py", "test_bench.py", "test_bench_table.py", "test_caloflow.py", "test_caloflow_counts.py",
    "test_factorised.py", "test_families.py", "test_family_resume.py", "test_jets.py", "test_own_cells.py",
    "test_own_models.py", "test_precision.py", "test_small_ends.py", "test_surroundings.py",
})  # fmt: skip


def _leave_out_addons(items) -> None:
    """Skip what needs a package that this Python has no release of."""
    if importlib.util.find_spec("tensorflow_addons") is None:
        reason = pytest.mark.skip(reason="tensorflow-addons is not installed: it works on Python 3.11 alone")
        for item in items:
            if item.get_closest_marker("addons"):
                item.add_marker(reason)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what is slow and what is long, and put the longest file first, so that the other test processes have work
    until it is done (``--dist loadfile``).
    """
    _leave_out_addons(items)
    for item in items:
        replicas = "replicas" in item.path.parts
        if not SLOW_FIXTURES.isdisjoint(item.fixturenames) or replicas:
            item.add_marker(pytest.mark.slow)
        if replicas or (item.path.name in LONG_FILES and item.get_closest_marker("slow")):
            item.add_marker(pytest.mark.long)
    items.sort(key=lambda item: "replicas" not in item.path.parts)


def pytest_collection_finish():
    """Take what the imports have made out of the collections of garbage: a full one goes through a million objects."""
    gc.collect()
    gc.freeze()
