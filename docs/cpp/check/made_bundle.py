"""A small bundle with everything that the trained ones leave out: a split, layer shares, uniform latents, a response.

Its networks have random weights and the detector of data set 2, whose layers are cut alike, as Geant4's example wants.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

from calosim_tf.bundle import describe
from calosim_tf.bundle.checks import size_of, sum_of
from calosim_tf.bundle.lwtnn import LwtnnNetwork
from calosim_tf.bundle.sidecar import Condition, ModelFile, NetworkRecord, Sidecar, read_sidecar, write_sidecar
from calosim_tf.config import LatentLaw
from calosim_tf.data.normalisation import Normalisation
from calosim_tf.data.transforms import KineticNormalisation, LayerNormalisation
from calosim_tf.geometry import VoxelDetector, get_detector
from calosim_tf.inference.bundle import joined
from calosim_tf.inference.sampler import NetworkSampler, ShowerSampler

DETECTOR = "dataset_2"
HIDDEN = 8
EDGE_MEV = 8192.0
RANGE_MEV = (1e3, 1e6)


class LwtnnSampler(NetworkSampler):
    """Showers from an lwtnn graph in numpy."""

    def __init__(self, network: LwtnnNetwork, record: NetworkRecord, detector: VoxelDetector):
        super().__init__(record.latent, record.law(), detector)
        self.network = network

    def showers(self, incident_energy_mev, latent, attributes=None) -> np.ndarray:
        """As :meth:`NetworkSampler.showers`."""
        outputs = self.network(latent, self.condition(incident_energy_mev, attributes))
        return self.normalisation.to_mev(outputs, incident_energy_mev)

    def network_call(self, latent: np.ndarray, condition: np.ndarray) -> Callable[[], np.ndarray]:
        """As :meth:`NetworkSampler.network_call`."""
        return lambda: self.network(latent, condition)


def made_sampler(folder: Path) -> ShowerSampler:
    """The generator of the bundle in numpy."""
    sidecar, detector = read_sidecar(folder), get_detector(DETECTOR)

    def sampler(record: NetworkRecord) -> NetworkSampler:
        return LwtnnSampler(LwtnnNetwork.read(folder / record.file("lwtnn").path), record, detector)

    return joined(sidecar, sampler)


def write_bundle(folder: Path) -> None:
    """Write the bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    detector, rng = get_detector(DETECTOR), np.random.default_rng(3)
    sizes = tuple(layer.n_voxels for layer in detector.layers)
    response = ((1e3, 0.7), (1e4, 0.8), (1e5, 0.9))
    low = KineticNormalisation(detector.mass_mev, *RANGE_MEV, response=response)
    high = LayerNormalisation(detector.mass_mev, *RANGE_MEV, layer_sizes=sizes)
    parts = [
        ("low", (None, EDGE_MEV), LatentLaw(6, law="uniform"), low, [(detector.n_voxels, "rectified")]),
        (
            "high",
            (EDGE_MEV, None),
            LatentLaw(10),
            high,
            [(n, "softmax") for n in (*sizes, len(sizes))] + [(1, "linear")],
        ),
    ]
    networks = tuple(_network(folder, detector, rng, *part) for part in parts)
    sidecar = Sidecar(
        experiment="rings_made_for_a_check",
        paper="none",
        source="random weights",
        detector=detector.name,
        particle=detector.particle,
        incident_energy=describe.incident_energy_words(detector),
        attributes=detector.attributes,
        central=describe.central_values(detector),
        n_cells=detector.n_voxels,
        cell_order=describe.cell_order_words(detector),
        layers=describe.layer_table(detector),
        threshold_mev=detector.threshold_mev,
        networks=networks,
        versions={},
    )
    write_sidecar(folder, sidecar)


def _network(
    folder: Path,
    detector: VoxelDetector,
    rng: np.random.Generator,
    name: str,
    energy_range_mev: tuple[float | None, float | None],
    latent: LatentLaw,
    law: Normalisation,
    heads: list[tuple[int, str]],
) -> NetworkRecord:
    """Write a network of one hidden layer and these outputs, and describe it."""
    path = folder / f"model_{name}.lwtnn.json"
    hidden = {"function": "swish", "alpha": 1.0} if name == "low" else {"function": "leakyrelu", "alpha": 0.2}
    layers = [_dense(rng, latent.size + 1, HIDDEN, hidden), *(_dense(rng, HIDDEN, size, kind) for size, kind in heads)]
    nodes = [
        {"type": "input", "sources": [0], "size": latent.size},
        {"type": "input", "sources": [1], "size": 1},
        {"type": "concatenate", "sources": [0, 1]},
        {"type": "feed_forward", "sources": [2], "layer_index": 0},
        *({"type": "feed_forward", "sources": [3], "layer_index": 1 + index} for index in range(len(heads))),
    ]
    if len(heads) > 1:
        nodes.append({"type": "concatenate", "sources": list(range(4, 4 + len(heads)))})
    graph = {
        "inputs": [_inputs("latent", latent.size, 0.0), _inputs("condition", 1, 0.25)],
        "input_sequences": [],
        "layers": layers,
        "nodes": nodes,
        "outputs": {"showers": {"node_index": len(nodes) - 1, "labels": []}},
    }
    path.write_text(json.dumps(graph))
    shape = tuple(law.value_shape(detector.n_voxels))
    names, formula = law.condition_words(())
    return NetworkRecord(
        name=name,
        energy_range_mev=energy_range_mev,
        latent=latent,
        normalisation=law.to_dict(),
        condition=Condition(names, formula, (0.0,), (1.0,)),
        output_shape=shape,
        output_scale=law.output_words()[0],
        output_unit=law.output_words()[1],
        iteration=0,
        parameters=0,
        multiply_adds=0,
        files={"lwtnn": (ModelFile(path.name, sum_of(path), size_of(path)),)},
    )


def _inputs(name: str, size: int, offset: float) -> dict:
    return {"name": name, "variables": [{"name": f"{name}_{i}", "offset": offset, "scale": 1.0} for i in range(size)]}


def _dense(rng: np.random.Generator, inputs: int, outputs: int, activation: str | dict) -> dict:
    # the sum of a shower has one output, and stays above 0
    bias = np.full(outputs, 1.0) if outputs == 1 else rng.normal(size=outputs)
    weights = rng.normal(size=outputs * inputs) / (10 * inputs if outputs == 1 else np.sqrt(inputs))
    return {
        "architecture": "dense",
        "weights": weights.astype(np.float32).tolist(),
        "bias": bias.astype(np.float32).tolist(),
        "activation": activation,
    }
