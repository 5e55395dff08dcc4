"""Train small networks of every loss under a strategy; one process of it.

    python shared_runs.py STRATEGY CELLS_FOLDER OUT_FOLDER CASE:RUN_FOLDER:ITERATIONS ...

A run continues from the checkpoint in its folder, where there is one.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

COMMON = {"training.checkpoint_every": 100, "training.log_every": 3, "run.seed": 5}
LHCB = {
    "network.latent.size": 6,
    "network.generator_filters": (8, 6, 5, 4),
    "network.critic_filters": (4, 5, 6, 8),
    "network.critic_units": (6,),
    "network.attention": "none",
    "training.batch_size": 6,
    "training.critic_steps": 1,
    "training.instance_noise": 0.1,
    # gradients of some biases are 0 but for rounding: Adam must not blow that up to full steps
    "training.epsilon": 1e-5,
}
FACTORISED = {
    "network.head_units": (5, 4),
    "network.head_latent": 3,
    "network.shape_units": (6, 5),
    "network.shape_latent": 4,
    "network.noise_units": 3,
    "network.critic_units": (7, 6),
    "training.head_iterations": 2,
    "training.penalty_every": 2,
    "training.selection": "chi2",
    "training.warmup_iterations": 0,
    "training.epsilon": 1e-5,
}
# Name -> (experiment, settings); every random draw and every kind of state is in one of them
CASES = {
    # penalty on mixed showers, average of weights, frozen batch normalisation
    "wgan_gp": (
        "photon",
        {
            "network.latent.size": 4,
            "network.generator_units": (6, 5),
            "network.critic_units": (7, 6),
            "training.batch_size": 8,
            "training.critic_steps": 2,
            "training.generator_average": 0.9,
        },
    ),
    # instance noise, vectors u of spectral normalisation, batch normalisation of the generator
    "hinge": ("lhcb_sagan_sn_gd", LHCB),
    # minibatch discrimination, flips, dropout, conditions drawn by the loss, batch normalisation of both networks
    "calogan": (
        "conditional_calogan_eplus",
        {
            "network.latent.size": 6,
            "network.seed_channels": 2,
            "network.generator_filters": (3, 2),
            "network.smearing_filters": 2,
            "network.critic_filters": (2, 3, 2),
            "network.attribute_units": (6, 5),
            "network.attribute_dropout": (0.2, 0.5),
            "network.minibatch_features": 2,
            "network.minibatch_dimensions": 2,
            "training.batch_size": 6,
            "training.label_flip": 0.3,
            "training.generator_steps": 1,
        },
    ),
    # two stages; losses of groups of energies, whose sums and pairs go over all replicas
    "factorised": (
        "photon_factorised",
        FACTORISED | {"network.knots": 4, "training.batch_size": 60, "training.head_batch_size": 60},
    ),
    # the same in the frame of the particle: moments weighted by conditions, regressions that each process makes itself
    "framed": ("lhcb_factorised", FACTORISED | {"training.batch_size": 32, "training.head_batch_size": 32}),
    # two stages of different batches; a root over the global batch, batch normalisation in a part of the generator
    "cvae_cgan": (
        "lhcb_cvae_cgan",
        {
            "network.latent.size": 3,
            "network.encoder_filters": (3, 4, 4, 5, 5),
            "network.encoder_units": (6,),
            "network.latent_units": 5,
            "network.decoder_units": (6,),
            "network.decoder_seed_channels": 4,
            "network.decoder_filters": (5, 4, 4, 3),
            "network.refiner_filters": (3,),
            "network.refiner_windows": (3, 3),
            "network.critic_filters": (3, 4, 4, 5),
            "network.critic_units": (5,),
            "training.cvae_iterations": 3,
            "training.cvae_batch_size": 12,
            "training.batch_size": 6,
            "training.instance_noise": 0.1,
            "training.epsilon": 1e-5,
        },
    ),
    # label flips and energies drawn by the loss, dropout, optimisers that are reset (in iteration 3)
    "three_d_gan": (
        "conv3d",
        {"training.batch_size": 4, "training.reset_each_file": True, "training.iterations_per_file": 3},
    ),
}


def main(strategy_name: str, cells: Path, out: Path, runs: list[str]) -> None:
    from calosim_tf.data.source import load_source
    from calosim_tf.experiments import get_experiment
    from calosim_tf.geometry import get_detector
    from calosim_tf.training.parts import prepare
    from calosim_tf.training.run_folder import RunFolder
    from calosim_tf.training.strategies.connect import connect
    from calosim_tf.training.strategies.devices import split_cpu
    from calosim_tf.training.train import train

    split_cpu()
    strategy = connect(strategy_name)
    for item in runs:
        case, folder, iterations = item.split(":")
        experiment, settings = CASES[case]
        experiment = get_experiment(experiment).with_values(settings | COMMON | {"training.iterations": iterations})
        detector = get_detector(experiment.data.layout)
        source = load_source([cells / f"{detector.file_layout}.hdf5"], detector)
        run = RunFolder(out / folder)
        strategy.on_chief(lambda e=experiment, s=source, r=run: prepare(e, s, r, resume=True, force=False))
        train(experiment, source, run, strategy=strategy)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:])
