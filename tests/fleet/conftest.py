"""A fleet of hand-made members: no training, a network of one matrix."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calosim_tf.bundle.checks import sum_of
from calosim_tf.bundle.describe import cell_order_words, layer_table
from calosim_tf.bundle.sidecar import Condition, ModelFile, NetworkRecord, Sidecar, write_sidecar
from calosim_tf.config import LatentLaw
from calosim_tf.data.transforms import KineticNormalisation
from calosim_tf.fleet.engine import remember
from calosim_tf.fleet.folder import FleetFolder
from calosim_tf.fleet.plan import read_plan
from calosim_tf.geometry import get_detector

PLAN = """name,particle,eta_min,eta_max,energy_min_mev,energy_max_mev,experiment,formats
photon_0,photon,0.0,0.2,,4096,photon_smoke,onnx
photon_0_high,photon,0.0,0.2,4096,,photon_smoke,onnx
photon_2,photon,0.2,0.4,,,photon_smoke,onnx
pion_0,pion,0.0,0.4,,,pion_smoke,onnx
"""
# Each network gives this number in all voxels, times the incident energy
GIVES = {"photon_0": 0.001, "photon_0_high": 0.003, "photon_2": 0.01, "pion_0": 0.03}


def write_network(path, value, latent, n_voxels):
    """An ONNX file whose outputs are about ``value``, and a little of the latent."""
    from onnx import TensorProto, helper, numpy_helper, save

    names = {"latent": latent, "condition": 1}
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", n]) for name, n in names.items()]
    output = helper.make_tensor_value_info("showers", TensorProto.FLOAT, ["n", n_voxels])
    nodes = [
        helper.make_node("Concat", ["latent", "condition"], ["both"], axis=1),
        helper.make_node("MatMul", ["both", "little"], ["product"]),
        helper.make_node("Add", ["product", "value"], ["showers"]),
    ]
    constants = {"little": np.full((latent + 1, n_voxels), 2e-5, "f4"), "value": np.full(n_voxels, value, "f4")}
    weights = [numpy_helper.from_array(array, name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "made", inputs, [output], weights)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


def write_bundle(folder, layout, value):
    """The bundle of a member."""
    folder.mkdir(parents=True)
    detector = get_detector(layout)
    write_network(folder / "model.onnx", value, 5, detector.n_voxels)
    law = KineticNormalisation(detector.mass_mev, 256.0, 65536.0)
    names, formula = law.condition_words(())
    file = ModelFile("model.onnx", sum_of(folder / "model.onnx"), (folder / "model.onnx").stat().st_size)
    network = NetworkRecord(
        *("generator", None, LatentLaw(size=5), law.to_dict(), Condition(names, formula, (0.0,), (1.0,))),
        *((detector.n_voxels,), *law.output_words(), 7, 99, 98, {"onnx": (file,)}),
    )
    words = ("toy", "a paper", "trained on nothing", layout, detector.particle, "energy, MeV", (), ())
    order = cell_order_words(detector)
    sidecar = Sidecar(*words, detector.n_voxels, order, layer_table(detector), 1.0, (network,), {"calosim_tf": "0"})
    write_sidecar(folder, sidecar)
    (folder / "parity.json").write_text('{"files": []}')


def metric(name, value, floor, ideal=0.0):
    return {
        "metric": name, "value": value, "error": 0.1, "ideal": ideal, "reference_vs_reference": floor,
        "reference_vs_reference_error": 0.0, "n": 9, "unit": "1", "note": "",
    }  # fmt: skip


@pytest.fixture
def fleet(tmp_path):
    """Plan and folder: the photons are done, the pion is not begun."""
    path = tmp_path / "plan.csv"
    path.write_text(PLAN)
    plan, folder = read_plan(path), FleetFolder(tmp_path / "fleet")
    remember(plan, folder)
    for number, name in enumerate(("photon_0", "photon_0_high", "photon_2")):
        member = folder.member(name)
        write_bundle(member.bundle, "photon", GIVES[name])
        (member.run / "report").mkdir(parents=True)
        metrics = {"chi2_ndf_total_energy": metric("chi2_ndf_total_energy", 10.0 ** (2 - number), 1.0)}
        metrics |= {name: metric(name, value, 0.01) for name, value in {"fpd": None, "frechet_distance": 0.5}.items()}
        (member.run / "report" / "metrics.json").write_text(json.dumps({"metrics": metrics}))
        (member.run / "report" / "report.html").write_text("page")
        (member.run / "status.json").write_text('{"iteration": 20, "state": "finished", "exit": 0}')
        (member.path / "seconds.json").write_text('{"train": 1800, "judge": 1800}')
        for step in ("train", "judge", "export"):
            member.finish(step, {})
    return plan, folder


@pytest.fixture
def bundle(fleet, tmp_path):
    """The bundle of all four."""
    from calosim_tf.fleet.bundle import bundle_fleet

    plan, folder = fleet
    write_bundle(folder.member("pion_0").bundle, "pion", GIVES["pion_0"])
    folder.member("pion_0").finish("export", {})
    bundle_fleet(plan, folder, tmp_path / "bundle")
    return tmp_path / "bundle"
