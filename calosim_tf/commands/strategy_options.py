"""Options of ``calosim train`` for several processes or devices, and how they change an experiment."""

from __future__ import annotations

import argparse
import math

from calosim_tf.config import AnyExperiment
from calosim_tf.errors import ConfigError
from calosim_tf.training.addons import refuse_missing_addons
from calosim_tf.training.processor import refuse_missing_precision

STRATEGIES = ("none", "mirrored", "multiworker", "horovod")
SCALINGS = ("linear", "sqrt", "none")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Describe them."""
    parser.add_argument(
        "--strategy",
        choices=STRATEGIES,
        default="none",
        help="share the run: all GPUs of this process (mirrored), the processes of TF_CONFIG or of a SLURM step "
        "(multiworker), those of horovodrun, srun or mpirun (horovod); see docs/hpc.md",
    )
    parser.add_argument(
        "--global-batch",
        choices=("keep", "grow"),
        default="keep",
        help="training.batch_size is shared by all replicas (keep, the default), or is that of each replica (grow)",
    )
    parser.add_argument(
        "--scale-lr",
        choices=SCALINGS,
        default="none",
        help="with a grown batch: multiply the learning rates by its growth, or by its square root",
    )
    parser.add_argument(
        "--warmup-steps",
        metavar="N",
        help="iterations over which the learning rates rise, from their values before --scale-lr",
    )
    parser.add_argument("--fp16-gradients", action="store_true", help="horovod: send gradients in 16 bits")


def refuse_early(args: argparse.Namespace, experiment: AnyExperiment) -> None:
    """Pairs that cannot work, before anything slow is imported.

    Raises
    ------
    ConfigError
    """
    refuse_missing_addons(experiment)
    refuse_missing_precision(experiment)
    strategy = args.strategy
    if args.scale_lr != "none" and args.global_batch != "grow":
        raise ConfigError(
            f"--scale-lr {args.scale_lr}: found with --global-batch keep, expected grow: a batch that stays the same "
            "needs no other learning rate"
        )
    if args.fp16_gradients and strategy != "horovod":
        raise ConfigError(f"--fp16-gradients: found with --strategy {strategy}, expected --strategy horovod")
    if strategy not in ("mirrored", "multiworker"):
        return
    for part in experiment.members or (experiment,):
        if part.training.jit_compile:
            raise ConfigError(
                f"training.jit_compile: found true with --strategy {strategy}, expected false: TensorFlow cannot "
                "compile a step that replicas share"
            )
        if getattr(part.network, "spectral_norm", None) == "addons":
            raise ConfigError(
                f"network.spectral_norm: found addons with --strategy {strategy}, expected own: tensorflow-addons "
                "overwrites kernels where replicas must not"
            )


def shared_experiment(args: argparse.Namespace, experiment: AnyExperiment, replicas: int) -> AnyExperiment:
    """The experiment with the global batch and learning rates of this many replicas.

    Raises
    ------
    ConfigError
        The batch cannot be shared equally.
    """
    growth = replicas if args.global_batch == "grow" else 1
    factor = {"linear": growth, "sqrt": math.sqrt(growth), "none": 1}[args.scale_lr]
    values = {}
    for part in experiment.members or (experiment,):
        prefix = f"members.{part.name}." if experiment.members else ""
        training = part.training
        if training.batch_size * growth % replicas:
            raise ConfigError(
                f"{prefix}training.batch_size: found {training.batch_size} for {replicas} replicas, expected a "
                f"multiple of {replicas}: set it, or --global-batch grow to give each replica that many"
            )
        values[f"{prefix}training.batch_size"] = training.batch_size * growth
        for network in training.NETWORKS:
            rate = training.setting("learning_rate", network)
            values[f"{prefix}training.learning_rate_{network}"] = rate * factor
        if args.warmup_steps is not None:
            values[f"{prefix}training.warmup_iterations"] = args.warmup_steps
            values[f"{prefix}training.warmup_from"] = 1 / factor if factor > 1 else 0.0
    return experiment.with_values(values)


def plan_line(args: argparse.Namespace, experiment: AnyExperiment, replicas: int) -> str:
    """What is shared, in words."""
    batches = {part.training.batch_size for part in experiment.members or (experiment,)}
    shares = " or ".join(f"{batch} = {replicas} x {batch // replicas}" for batch in sorted(batches))
    scaling = "" if args.scale_lr == "none" else f", learning rates scaled ({args.scale_lr})"
    return f"strategy {args.strategy}, {replicas} replicas, global batch {shares} ({args.global_batch}){scaling}"
