"""CaloFlow (Krause and Shih 2021; with Pang 2022): a flow for the energies of the layers, and one for all voxels.

Both are models of their own, so that each is trained by itself.  The second one is a teacher (density in one pass) or a
student (sampling in one pass), with the same permutations.
"""

from __future__ import annotations

import keras

from calosim_tf.config.caloflow.network import CaloFlowNetwork
from calosim_tf.layers.flows.logit_space import FilledLayers, ParticleContext, SuccessiveShares
from calosim_tf.layers.flows.masked_spline import SEEDS, MaskedSpline
from calosim_tf.layers.flows.permutation import FixedPermutation, reversal, shuffle
from calosim_tf.layers.slices import part_of

ENERGY_FLOW, VOXEL_FLOW = "energy_flow", "voxel_flow"
# Layers of both flows that are neither blocks nor permutations
CONTEXT, SPACE = "context", "space"
# Seeds of the second flow begin here
VOXEL_SEEDS = 1000


def build_generator(network: CaloFlowNetwork, seed: int = 0) -> keras.Model:
    """Generator: latent numbers of both flows, and the incident energy, to voxels.

    Parameters
    ----------
    network : CaloFlowNetwork
    seed : int
        Seed of the initial weights.

    Returns
    -------
    keras.Model
        Inputs ``latent`` (batch, layers + voxels) and ``condition`` (batch, 1), the incident energy in 100 GeV; output
        ``showers`` (batch, voxels), 100 GeV.  Its parts ``energy_flow`` and ``voxel_flow`` are models; a student does
        not train the first.
    """
    layers, voxels = network.n_layers, sum(network.layer_sizes)
    latent = keras.Input((network.latent.size,), name="latent")
    condition = keras.Input((network.condition_size,), name="condition")
    energy_flow, voxel_flow = _energy_flow(network, seed), _voxel_flow(network, seed + VOXEL_SEEDS)
    if network.role == "student":
        energy_flow.trainable = False
    energies = energy_flow({"latent": part_of(latent, 0, (layers,), "energy_latent"), "condition": condition})
    drawn = part_of(latent, layers, (voxels,), "voxel_latent")
    showers = voxel_flow({"latent": drawn, "condition": condition, "energies": energies})
    showers = keras.layers.Activation("linear", name="showers")(showers)
    return keras.Model({"latent": latent, "condition": condition}, showers, name="generator")


def build_companions(network: CaloFlowNetwork, seed: int = 0) -> dict[str, keras.Model]:
    """Networks beside the generator: none."""
    return {}


def _energy_flow(network: CaloFlowNetwork, seed: int) -> keras.Model:
    inputs = {
        "latent": keras.Input((network.n_layers,), name="latent"),
        "condition": keras.Input((1,), name="condition"),
    }
    dtype = network.precision
    context = ParticleContext(network.context_scale, name=CONTEXT, dtype=dtype)(inputs["condition"])
    orders = [shuffle((network.n_layers,), network.permutation_seed, draw) for draw in range(network.energy_blocks)]
    size = {"units": network.energy_units, "hidden_layers": network.energy_hidden_layers, "dtype": dtype}
    x = _flow(inputs["latent"], context, network.energy_blocks, orders, seed, **size)
    space = SuccessiveShares(network.alpha, network.largest_response, name=SPACE, dtype=dtype)
    return keras.Model(inputs, space([x, inputs["condition"]]), name=ENERGY_FLOW)


def _voxel_flow(network: CaloFlowNetwork, seed: int) -> keras.Model:
    sizes, dtype = network.layer_sizes, network.precision
    inputs = {
        "latent": keras.Input((sum(sizes),), name="latent"),
        "condition": keras.Input((1,), name="condition"),
        "energies": keras.Input((network.n_layers,), name="energies"),
    }
    context = ParticleContext(network.context_scale, network.layer_context_shift, name=CONTEXT, dtype=dtype)
    context = context([inputs["condition"], inputs["energies"]])
    first_draw = network.energy_blocks
    orders = [
        shuffle(sizes, network.permutation_seed, first_draw + index) if index % 2 else reversal(sizes)
        for index in range(network.voxel_blocks - 1)
    ]
    fast = "sampling" if network.role == "student" else "density"
    size = {"units": network.voxel_units, "hidden_layers": network.voxel_hidden_layers, "dtype": dtype}
    x = _flow(inputs["latent"], context, network.voxel_blocks, orders, seed, fast=fast, dropout=network.dropout, **size)
    filled = FilledLayers(sizes, network.alpha, name=SPACE, dtype=dtype)([x, inputs["energies"]])
    return keras.Model(inputs, filled, name=VOXEL_FLOW)


def _flow(x, context, blocks: int, orders: list, seed: int, **options):
    """Blocks, each with the permutation of its index behind it where there is one, from latent numbers to features."""
    for index in reversed(range(blocks)):
        if index < len(orders):
            x = FixedPermutation(orders[index], name=f"permutation_{index}", dtype=options["dtype"])(x)
        block = MaskedSpline(index=index, seed=seed + SEEDS * index, name=f"block_{index}", **options)
        x = block([x, context])
    return x
