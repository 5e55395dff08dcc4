"""Train small networks of every loss under a strategy; one process of it.

    python shared_runs.py STRATEGY CELLS_FOLDER OUT_FOLDER CASE:RUN_FOLDER:ITERATIONS ...

A run continues from the checkpoint in its folder, where there is one.
"""

import os
import sys
from pathlib import Path

# also run as a script
sys.path.append(str(Path(__file__).parents[1]))

from tiny_experiments import tiny

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

COMMON = {"training.checkpoint_every": 100, "training.log_every": 3, "run.seed": 5}
# gradients of some biases are 0 but for rounding: Adam must not blow that up to full steps
ROUNDED = {"training.epsilon": 1e-5}
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
    "hinge": tiny("hinge", ROUNDED | {"training.critic_steps": 1}),
    # minibatch discrimination, flips, dropout, conditions drawn by the loss, batch normalisation of both networks
    "calogan": tiny("calogan", {"training.generator_steps": 1}),
    # locally connected layers, classes drawn by the loss and flipped three ways
    "lagan": tiny("lagan", ROUNDED | {"training.generator_steps": 1}),
    # two stages; losses of groups of energies, whose sums and pairs go over all replicas
    "factorised": (
        "photon_factorised",
        FACTORISED | {"network.knots": 4, "training.batch_size": 60, "training.head_batch_size": 60},
    ),
    # the same in the frame of the particle: moments weighted by conditions, regressions that each process makes itself
    "framed": ("lhcb_factorised", FACTORISED | {"training.batch_size": 32, "training.head_batch_size": 32}),
    # two stages of different batches; a root over the global batch, batch normalisation in a part of the generator
    "cvae_cgan": tiny("cvae_cgan", ROUNDED),
    # discrepancies of all pairs of the global batch, noise and points of two penalties; its first stage alone: in the
    # post-processor layer normalisation leaves gradients of constants 0 but for rounding
    "bib_ae": tiny("bib_ae", ROUNDED | {"training.batch_size": 4, "training.autoencoder_iterations": 100}),
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
