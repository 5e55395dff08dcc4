"""Networks of the ILD's calorimeter: parameters and shapes of the authors' code, exactly."""

from dataclasses import replace

import numpy as np
import pytest

from calosim_tf.experiments import get_experiment
from calosim_tf.models import bib_ae, bib_ae_critics
from calosim_tf.training.build import build_networks

# Builds networks of up to 36 million weights
pytestmark = pytest.mark.slow


def counts(name, **changes):
    experiment = get_experiment(name)
    experiment = replace(experiment, network=replace(experiment.network, **changes))
    networks = build_networks(experiment)
    found = {
        kind: sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
        for kind, network in networks.items()
    }
    return found, networks


def sides(network, *layers):
    return [tuple(network.get_layer(layer).output.shape[1:]) for layer in layers]


def test_wgan():
    """Breaks when a layer of the WGAN or of its constrainer has another size than in the authors' code."""
    found, networks = counts("ilc_wgan_photon")
    assert found == {"generator": 3_655_520, "critic": 253_919, "constrainer": 224_473}
    stages = sides(networks["critic"], "stage_1", "stage_2", "stage_3", "last")
    assert stages == [(21, 16, 16, 32), (16, 8, 8, 64), (13, 4, 4, 128), (10, 3, 3, 1)]
    assert sides(networks["constrainer"], "stage_1", "stage_2", "last") == [
        (14,) * 3 + (16,),
        (6,) * 3 + (32,),
        (5,) * 3 + (16,),
    ]


def test_gan():
    """Breaks when the released GAN, or the one of half its width that the paper counts, has other parameters."""
    found, networks = counts("ilc_gan_photon")
    assert found == {"generator": 4_392_224, "critic": 2_056_097}
    assert [side[0] for side in sides(networks["critic"], *(f"stage_{i}" for i in range(1, 5)), "last")] == [
        17,
        9,
        5,
        3,
        1,
    ]
    half, _ = counts("ilc_gan_photon", generator_filters=(128, 64, 32, 16), critic_filters=(2, 2, 2, 2, 2))
    assert half["generator"] == 1_507_984


def test_small_networks_of_the_bib_ae():
    """Breaks when a critic or the post-processor of the BIB-AE has another layer than in the authors' code."""
    network = get_experiment("bib_ae_photon").network
    critic = bib_ae_critics.build_critic(network)
    assert critic.count_params() == 4_762_753
    assert [side[0] for side in sides(critic, "cells_1", "cells_2", "cells_3")] == [14, 6, 4]
    assert bib_ae_critics.build_latent_critic(network).count_params() == 10_301
    assert bib_ae.build_post_processor(network).count_params() == 299_136


def test_encoder_and_decoder_of_the_bib_ae():
    """Breaks when the 71 million parameters of the autoencoder are others; shapes go 10, 30, 60, 30 and 16, 9, 5, 5."""
    network = get_experiment("bib_ae_photon").network
    encoder, decoder = bib_ae.build_encoder(network), bib_ae.build_decoder(network)
    assert (encoder.count_params(), decoder.count_params()) == (35_224_598, 36_218_496)
    assert [side[0] for side in sides(encoder, *(f"stage_{i}" for i in range(1, 5)))] == [16, 9, 5, 5]
    decoded = sides(decoder, "first_image", "stage_1_activation", "stage_2_activation", "stage_3", "image")
    assert [side[0] for side in decoded] == [10, 30, 60, 30, 30]
