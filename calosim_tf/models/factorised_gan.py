"""The factorised generator (our own): an energy head draws the layer energies, a shape network fills the layers.

The parts are models of their own, so that each is trained, and may be used, by itself (docs/factorised.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np

from calosim_tf.config import FactorisedNetwork
from calosim_tf.layers.energy_table import EnergyTable
from calosim_tf.layers.framed.condition_terms import ConditionTerms, ResponseScore
from calosim_tf.layers.framed.particle_frame import InsideOnly, IntoFrame, OutOfFrame, ParticleFrame
from calosim_tf.layers.gated_shares import GatedShares
from calosim_tf.layers.head_energies import GivenOrDrawn, HeadEnergies
from calosim_tf.layers.layer_logs import LayerLogs
from calosim_tf.layers.observable_views import ObservableViews
from calosim_tf.layers.slices import part_of

# Our choice: how small the last layers start
LOGIT_SCALE, NOISE_SCALE = 0.5, 0.3
# ... and beside regressions, which they begin by correcting
LOGIT_CORRECTION, NOISE_CORRECTION = 0.15, 0.1


def build_generator(network: FactorisedNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent, and particle with layer energies, to voxels in MeV.

    Parameters
    ----------
    network : FactorisedNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, latent.size) and ``condition`` (batch, condition_size): ln of the kinetic energy in
        MeV, attributes, layer energies in MeV or -1 to have them drawn.  Output ``showers`` (batch, voxels), MeV.  Its
        parts ``energy_head`` and ``shape`` are models.
    """
    inputs = _inputs(network)
    latents = _split(inputs["latent"], network.latent_parts, "latent")
    particle, given = _split(inputs["condition"], (network.particle_size, network.n_layers), "condition")
    log_energy = part_of(particle, 0, (1,), "ln_energy")
    head = _energy_head(network, seed)
    drawn = head({"latent": latents[1], "noise": latents[2], "particle": particle})
    threshold = EnergyTable(network.knots, 1, name="emptiness")(log_energy)
    energies = GivenOrDrawn(name="layer_energies")([given, drawn, threshold, latents[0]])
    noise = {"noise": latents[4]} if network.voxel_noise else {}
    shape = _shape(network, seed + 1000)
    showers = shape({"latent": latents[3], "particle": particle, "energies": energies, **noise})
    return keras.Model(inputs, keras.layers.Activation("linear", name="showers")(showers), name="generator")


def _inputs(network: FactorisedNetwork) -> dict:
    return {
        "latent": keras.Input((network.latent.size,), name="latent"),
        "condition": keras.Input((network.condition_size,), name="condition"),
    }


def _split(x, sizes: tuple[int, ...], name: str) -> list:
    firsts = np.cumsum((0, *sizes[:-1])).tolist()
    return [
        part_of(x, first, (size,), f"{name}_{index}") if size else None
        for index, (first, size) in enumerate(zip(firsts, sizes, strict=True))
    ]


def _energy_head(network: FactorisedNetwork, seed: int) -> keras.Model:
    n = network.n_layers
    latent = keras.Input((network.head_latent,), name="latent")
    noise = keras.Input((2 * n,), name="noise")
    particle = keras.Input((network.particle_size,), name="particle")
    seen = _particle(network, particle, 2 + 2 * n)
    x = keras.layers.Concatenate(name="head_inputs")([latent, *seen.terms])
    for index, units in enumerate(network.head_units):
        x = _dense(units, seed + index, f"head_{index}", "swish")(x)
    scores = _dense(1 + 3 * n, seed + len(network.head_units), "scores")(x)
    energies = HeadEnergies(n, name="energies")([scores, noise, seen.table, seen.log_energy])
    return keras.Model({"latent": latent, "noise": noise, "particle": particle}, energies, name="energy_head")


def _shape(network: FactorisedNetwork, seed: int) -> keras.Model:
    voxels = sum(network.layer_sizes)
    inputs = {
        "latent": keras.Input((network.shape_latent,), name="latent"),
        "particle": keras.Input((network.particle_size,), name="particle"),
        "energies": keras.Input((network.n_layers,), name="energies"),
    }
    seen = _particle(network, inputs["particle"], _response_values(network), inputs["energies"])
    x = [inputs["latent"], *seen.terms, LayerLogs(name="layer_logs")(inputs["energies"])]
    x = keras.layers.Concatenate(name="shape_inputs")(x)
    for index, units in enumerate(network.shape_units):
        x = _dense(units, seed + index, f"shape_{index}", "swish")(x)
    seed += len(network.shape_units)
    scales = (LOGIT_CORRECTION, NOISE_CORRECTION) if network.frame else (LOGIT_SCALE, NOISE_SCALE)
    logits = _dense(voxels, seed, "logits", scale=scales[0])(x)
    if network.frame:
        logits = keras.layers.Add(name="all_logits")([logits, _linear(voxels, "linear_logits")(seen.terms[0])])
        logits = InsideOnly(network.detector, name="inside")([logits, seen.placement])
    parts = [logits, inputs["energies"]]
    if network.voxel_noise:
        inputs["noise"] = keras.Input((voxels,), name="noise")
        narrow = _dense(network.noise_units, seed + 1, "noise_hidden", "swish")(x)
        spread = _dense(2 * voxels, seed + 2, "noise_spread", scale=scales[1])(narrow)
        if network.frame:
            spread = keras.layers.Add(name="all_spread")([spread, _linear(2 * voxels, "linear_spread")(seen.terms[0])])
        parts += [spread, inputs["noise"]]
    showers = GatedShares(network.layer_sizes, network.ramp_mev, name="voxels")(parts)
    if network.frame:
        showers = OutOfFrame(network.detector, name="out_of_frame")([showers, seen.placement])
    return keras.Model(inputs, showers, name="shape")


class _Particle(NamedTuple):
    """What networks see of a particle: Keras tensors."""

    log_energy: Any
    # a row of the table of energies
    table: Any
    # to be concatenated
    terms: list
    # of a frame, otherwise None
    numbers: Any = None
    placement: Any = None


def _particle(network: FactorisedNetwork, particle, values: int, energies=None) -> _Particle:
    """Table of ``values`` at the energy and terms; in a frame with the response where there are layer energies."""
    log_energy = part_of(particle, 0, (1,), "ln_energy")
    table, position = EnergyTable(network.knots, values, position=True, name="table")(log_energy)
    if not network.frame:
        n = network.particle_size - 1
        return _Particle(log_energy, table, [position, *([part_of(particle, 1, (n,), "attributes")] if n else [])])
    numbers, placement = ParticleFrame(network.detector, name="frame")(particle)
    response = [] if energies is None else [ResponseScore(name="response")([energies, log_energy, table])]
    terms = ConditionTerms(name="terms")([position, numbers, *response])
    return _Particle(log_energy, table, [terms], numbers, placement)


def build_companions(network: FactorisedNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks that are trained beside the generator: the critic."""
    return {"critic": build_critic(network, seed)}


def build_critic(network: FactorisedNetwork, seed: int = 0) -> keras.Model:
    """Critic: voxels in MeV, particle and layer energies to one unbounded score.

    Returns
    -------
    keras.Model
        Inputs ``showers`` (batch, voxels) and ``condition`` as the generator has it, but with real layer energies;
        output ``score`` (batch, 1).  Its layer ``views`` makes the numbers that its part ``score_network`` judges.
    """
    showers = keras.Input((sum(network.layer_sizes),), name="showers")
    condition = keras.Input((network.condition_size,), name="condition")
    particle, energies = _split(condition, (network.particle_size, network.n_layers), "condition")
    seen = _particle(network, particle, _response_values(network), energies)
    viewed = [showers, seen.log_energy]
    if network.frame:
        local = IntoFrame(network.detector, name="into_frame")([showers, seen.placement])
        viewed = [local, seen.log_energy, seen.numbers]
    views = ObservableViews(
        network.detector, network.knots, network.observables, network.observed_from_mev, network.frame, name="views"
    )
    features, _, _ = views(viewed)
    logs = LayerLogs(name="layer_logs")(energies)
    x = keras.layers.Concatenate(name="features")([features, *seen.terms, logs])
    score = _score_network(network, x.shape[-1], seed)(x)
    return keras.Model({"showers": showers, "condition": condition}, score, name="critic")


def _score_network(network: FactorisedNetwork, size: int, seed: int) -> keras.Model:
    features = keras.Input((size,), name="features")
    x = features
    for index, units in enumerate(network.critic_units):
        x = _dense(units, seed + index, f"hidden_{index}")(x)
        x = keras.layers.LeakyReLU(0.2, name=f"hidden_{index}_activation")(x)
    score = _dense(1, seed + len(network.critic_units), "score")(x)
    return keras.Model(features, score, name="score_network")


def _response_values(network: FactorisedNetwork) -> int:
    """Values of the table that terms with layer energies need: mean and width of the response in a frame."""
    return 2 if network.frame else 1


def _dense(units: int, seed: int, name: str, activation: str = "linear", scale: float = 1.0) -> keras.layers.Dense:
    """Weights uniform in +- 1/sqrt(inputs), times ``scale``: the start that the recipe was found with."""
    kernel = keras.initializers.VarianceScaling(scale**2 / 3.0, "fan_in", "uniform", seed=seed)
    return keras.layers.Dense(units, activation, kernel_initializer=kernel, name=name)


def _linear(units: int, name: str) -> keras.layers.Dense:
    """A regression, 0 until it is filled."""
    return keras.layers.Dense(units, kernel_initializer="zeros", name=name)
