"""``calosim info EXPERIMENT``: networks with exact parameter counts, data contract, all settings."""

from __future__ import annotations

import argparse
import json
from typing import Any

from calosim_tf.config import AnyExperiment, Experiment, SplitExperiment
from calosim_tf.experiments import get_experiment


def add_parser(subparsers) -> None:
    """Describe the command."""
    parser = subparsers.add_parser("info", help="networks, parameter counts and settings of an experiment")
    parser.add_argument("experiment", help="a name from `calosim list`")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Build the networks, count, print."""
    experiment = get_experiment(args.experiment)
    content = describe(experiment)
    if args.json:
        print(json.dumps(content, indent=2))
        return 0
    print(f"{experiment.name}: {experiment.summary}\n{experiment.paper}\n")
    for name, network in _rows(content["networks"]):
        print(
            f"{name:14} {network['params_trainable']:>10,} trainable, {network['params_total']:>10,} in all, "
            f"{network['conv_layers']} convolutions, inputs {network['inputs']}, outputs {network['outputs']}"
        )
    if experiment.members:
        print(f"{'all generators':14} {'':>20} {content['networks']['params_total_all_generators']:>10,} in all")
    for row in content["published"]:
        print(f"published: {row['what']} = {row['value']} ({row['n']}; {row['source']})")
    print("\nsettings (change with --set key=value):")
    for key, value in content["settings"].items():
        print(f"  {key} = {value}")
    return 0


def describe(experiment: AnyExperiment) -> dict[str, Any]:
    """What ``info --json`` prints."""
    stored = experiment.to_dict()
    return {
        "experiment": experiment.name,
        "paper": experiment.paper,
        "summary": experiment.summary,
        "networks": _describe_split(experiment) if experiment.members else _describe_networks(experiment),
        "data": stored["data"],
        "published": list(stored["published"]),
        "settings": _settings(experiment, stored),
    }


def _describe_networks(experiment: Experiment) -> dict[str, Any]:
    from calosim_tf.training.build import build_networks

    return {name: describe_network(network) for name, network in build_networks(experiment).items()}


def _describe_split(experiment: SplitExperiment) -> dict[str, Any]:
    by_kind: dict[str, Any] = {}
    for member in experiment.members:
        energies = {"name": member.name, **{key: getattr(member, key) for key in member.RANGE}}
        for kind, network in _describe_networks(experiment.experiment(member)).items():
            by_kind.setdefault(f"{kind}s", []).append({**energies, **network})
    total = sum(generator["params_total"] for generator in by_kind["generators"])
    return {**by_kind, "params_total_all_generators": total}


def _rows(networks: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    if "generators" not in networks:
        return list(networks.items())
    kinds = {kind.removesuffix("s"): rows for kind, rows in networks.items() if isinstance(rows, list)}
    return [
        (f"{row['name']} {kind}", row)
        for member in networks["generators"]
        for kind, rows in kinds.items()
        for row in rows
        if row["name"] == member["name"]
    ]


def _settings(experiment: AnyExperiment, stored: dict[str, Any]) -> dict[str, Any]:
    """Values by key; keys that only pass a value on to every member have none of their own."""
    return {
        key: _look_up(stored, key)
        for key in experiment.setting_keys()
        if not experiment.members or key.split(".")[0] in (*experiment.SECTIONS, "members")
    }


def describe_network(network) -> dict[str, Any]:
    """Parameters, convolutions, inputs and outputs of a Keras model."""
    import numpy as np

    layers = list(_layers(network))
    return {
        "params_trainable": int(sum(np.prod(weight.shape) for weight in network.trainable_weights)),
        "params_total": int(network.count_params()),
        "params_dense": sum(layer.count_params() for layer in layers if type(layer).__name__ == "Dense"),
        # a layer may be wrapped (spectral normalisation)
        "conv_layers": sum("Conv" in type(getattr(layer, "layer", layer)).__name__ for layer in layers),
        "inputs": {tensor.name: list(tensor.shape[1:]) for tensor in network.inputs},
        "outputs": {
            name: list(tensor.shape[1:]) for name, tensor in zip(network.output_names, network.outputs, strict=True)
        },
    }


def _layers(network):
    """Layers, those of networks inside it among them."""
    for layer in network.layers:
        yield from _layers(layer) if hasattr(layer, "layers") else (layer,)


def _look_up(nested: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        nested = nested[part]
    return nested
