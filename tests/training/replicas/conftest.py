"""Reference runs of one process for runs of several, and how to start several."""

import importlib.util
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

SCRIPT = Path(__file__).with_name("shared_runs.py")
FIRST, LATER = 5, 7
CASES = ("wgan_gp", "hinge", "calogan")
# five iterations of every loss, two more from a checkpoint of the same strategy and from one of a single process
RUNS = [*(f"{case}:{case}:{FIRST}" for case in CASES), f"wgan_gp:wgan_gp:{LATER}", f"wgan_gp:from_one:{LATER}"]


def run_alone(cells, out, runs):
    """The script of the workers in this process."""
    spec = importlib.util.spec_from_file_location("shared_runs", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main("none", cells, out, runs)


def copy_run(source, target):
    shutil.copytree(source, target)
    return target


def checkpoint(run, iteration):
    """Checkpointed arrays by name."""
    reader = tf.train.load_checkpoint(str(run / "checkpoints" / str(iteration) / "state"))
    names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
    return {name: reader.get_tensor(name).astype("f8") for name in names}


def relative_distance(found, expected, part):
    """Norm of the difference over the norm, of all variables of a part of the checkpoint together."""
    assert found.keys() == expected.keys()
    names = sorted(name for name in expected if name.startswith(part))
    assert names, f"no {part} in the checkpoint"
    a, b = (np.concatenate([state[name].ravel() for name in names]) for state in (found, expected))
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def require_equal(found_run, expected_run, iteration):
    """Weights of all networks, and of the average, equal to 1e-5 of their norm."""
    found, expected = checkpoint(found_run, iteration), checkpoint(expected_run, iteration)
    parts = {name.split("/")[0] for name in expected} & {"generator", "critic", "average", "decoder", "encoder"}
    assert {"generator", "critic"} <= parts
    for part in sorted(parts):
        assert relative_distance(found, expected, f"{part}/") < 1e-5, (found_run.name, part)
    for name in expected:
        if name.startswith(("iteration", "optimizer_generator/_iterations", "optimizer_critic/_iterations")):
            assert found[name] == expected[name], name


@pytest.fixture(scope="session")
def cells_folder(tmp_path_factory, cells, store, photon_showers):
    """A small file per layout."""
    from calosim_tf.geometry import get_detector

    folder = tmp_path_factory.mktemp("cells")
    incident, showers = photon_showers
    store(
        folder / f"{get_detector('photon').file_layout}.hdf5",
        {"incident_energies": incident[:150, None], "showers": showers[:150]},
    )
    for layout in ("lhcb", "calogan", "ecal", "jet_image", "ilc"):
        store(folder / f"{layout}.hdf5", cells(layout, 40))
    return folder


@pytest.fixture(scope="session")
def alone(tmp_path_factory, cells_folder):
    """Runs of one process: every loss to iteration 5, the first one as it was there and at 7."""
    out = tmp_path_factory.mktemp("alone")
    run_alone(cells_folder, out, RUNS[: len(CASES)])
    copy_run(out / "wgan_gp", out / "at_first")
    run_alone(cells_folder, out, [f"wgan_gp:wgan_gp:{LATER}"])
    return out


@pytest.fixture
def shared_out(tmp_path, alone):
    """Folder for the runs of several, with a run that one process began."""
    copy_run(alone / "at_first", tmp_path / "from_one")
    return tmp_path


def require_equal_losses(found_run, expected_run):
    """The terms of the loss that were written down are means over the global batch, not sums over replicas."""
    found, expected = (pd.read_csv(run / "history.csv") for run in (found_run, expected_run))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-3, atol=1e-5, obj=f"history.csv of {found_run.name}")


def require_all_equal(shared, alone, cells):
    """What the runs of several have learnt, before and after a resume and a change of their number."""
    for case in CASES:
        require_equal(shared / case, alone / case, FIRST)
        require_equal_losses(shared / case, alone / case)
    for run in ("wgan_gp", "from_one"):
        require_equal(shared / run, alone / "wgan_gp", LATER)
        require_equal_losses(shared / run, alone / "wgan_gp")
    starts = json.loads((shared / "from_one" / "strategy.json").read_text())["starts"]
    assert [(start["iteration"], start["replicas"]) for start in starts] == [(0, 1), (FIRST, 2)]
    for run in ("wgan_gp", "from_one"):
        rows = [(path / "selection.csv").read_text().splitlines() for path in (shared / run, alone / "wgan_gp")]
        assert [row.split(",")[0] for row in rows[0]] == [row.split(",")[0] for row in rows[1]]
    # and back to one process
    again = copy_run(shared / "wgan_gp", shared / "back_to_one")
    copy_run(alone / "wgan_gp", shared / "always_one")
    run_alone(cells, shared, [f"wgan_gp:{name}:{LATER + 2}" for name in ("back_to_one", "always_one")])
    require_equal(again, shared / "always_one", LATER + 2)


@pytest.fixture(scope="session")
def several():
    """What a test needs to start several and to judge them (conftest.py cannot be imported)."""
    return SimpleNamespace(
        script=SCRIPT,
        runs=RUNS,
        alone=run_alone,
        checkpoint=checkpoint,
        relative_distance=relative_distance,
        require_all_equal=require_all_equal,
        require_equal=require_equal,
        require_equal_losses=require_equal_losses,
        iterations=FIRST,
    )
