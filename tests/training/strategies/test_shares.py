"""What each replica gets: rows, random numbers, batch and learning rates."""

import argparse
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.commands.strategy_options import add_options, plan_line, refuse_early, shared_experiment
from calosim_tf.data.batches.pipeline import training_batches
from calosim_tf.data.source import load_source
from calosim_tf.errors import CalosimError, ConfigError
from calosim_tf.experiments import get_experiment
from calosim_tf.geometry import get_detector
from calosim_tf.layers.replicas import ALONE, Replicas
from calosim_tf.training.build import build_optimizer
from calosim_tf.training.normalisation import fit_normalisation
from calosim_tf.training.random import Draws
from calosim_tf.training.strategies.connect import connect
from calosim_tf.training.strategies.devices import VIRTUAL_DEVICES, split_cpu
from calosim_tf.training.strategies.strategy import Strategy
from calosim_tf.training.strategies.tf_distribute import find_cluster
from calosim_tf.training.warm_up import WarmUp


class Numbered(Replicas):
    """One of several, without communication."""

    def __init__(self, index, number):
        self.number = number
        self._index = index

    @property
    def index(self):
        return self._index


def test_the_rows_of_all_replicas_are_those_of_one_process_and_each_reads_its_own(public_like_file, tiny, monkeypatch):
    """Breaks when rows are read by two replicas or by none, or a minibatch is made of other showers than alone."""
    detector = get_detector("photon")
    source = load_source([public_like_file], detector)
    normalisation = fit_normalisation(tiny, source)
    rows, minibatch = 16, 8
    alone = [batch for batch, _ in zip(training_batches(source, normalisation, 5, rows, 3), range(2), strict=False)]
    parts = {index: [] for index in range(4)}
    read = []
    original = type(source).read
    monkeypatch.setattr(type(source), "read", lambda self, rows: read.append(len(rows)) or original(self, rows))
    # two processes of two replicas each
    for local in ((0, 1), (2, 3)):
        batches = training_batches(source, normalisation, 5, rows, 3, minibatch, local, 4)
        for position, batch in zip(range(4), batches, strict=False):
            parts[local[position % 2]].append(batch)
    assert set(read) == {rows // 4}
    for iteration, whole in enumerate(alone):
        for field in (0, 1):
            shares = [parts[index][iteration][field].numpy().reshape(2, 2, -1) for index in range(4)]
            together = np.concatenate(shares, axis=1).reshape(rows, -1)
            np.testing.assert_array_equal(together, whole[field].numpy().reshape(rows, -1))


@pytest.mark.parametrize("axis", [0, 1])
def test_draws_of_all_replicas_are_those_of_one(axis):
    """Breaks when replicas draw the same numbers, or others than a single process would."""
    iteration = tf.Variable(3, dtype=tf.int64)
    whole, part = [4, 4], [4, 4]
    whole[axis], part[axis] = 12, 4
    alone = Draws(7, iteration, ALONE).uniform(tuple(whole), 2, axis).numpy()
    shares = [Draws(7, iteration, Numbered(index, 3)).uniform(tuple(part), 2, axis).numpy() for index in range(3)]
    np.testing.assert_array_equal(np.concatenate(shares, axis=axis), alone)
    # dropout asks with a shape that is known only in the graph
    traced = tf.function(lambda shape: Draws(7, iteration, Numbered(1, 3)).uniform(shape, 2, axis))
    np.testing.assert_array_equal(traced(tf.constant(part)).numpy(), shares[1])
    normal = Draws(7, iteration, ALONE).normal((6, 2), 1, 0.5, 2.0, count=tf.constant(9, tf.int64)).numpy()
    second = Draws(7, iteration, Numbered(1, 2)).normal((3, 2), 1, 0.5, 2.0, count=tf.constant(9, tf.int64)).numpy()
    np.testing.assert_array_equal(second, normal[3:])


def options(*arguments):
    parser = argparse.ArgumentParser()
    add_options(parser)
    return parser.parse_args(arguments)


def test_batch_and_learning_rate_grow_by_choice():
    """Breaks when the kept batch changes, scaling takes the wrong growth, or the warm-up begins elsewhere."""
    photon = get_experiment("photon")
    kept = shared_experiment(options("--strategy", "horovod"), photon, 4).training
    assert kept == photon.training
    args = options("--global-batch", "grow", "--scale-lr", "sqrt", "--warmup-steps", "10")
    grown = shared_experiment(args, photon, 4).training
    assert grown.batch_size == 4 * 1024
    assert grown.learning_rate_generator == pytest.approx(2e-4)
    assert grown.learning_rate_critic == pytest.approx(2e-4)
    assert (grown.warmup_iterations, grown.warmup_from) == (10, 0.5)
    linear = shared_experiment(options("--global-batch", "grow", "--scale-lr", "linear"), photon, 4).training
    assert linear.learning_rate_critic == pytest.approx(4e-4)
    assert "4096 = 4 x 1024 (grow)" in plan_line(args, shared_experiment(args, photon, 4), 4)
    split = shared_experiment(options("--global-batch", "grow"), get_experiment("photon_2gan"), 2)
    assert [member.training.batch_size for member in split.members] == [2048, 2048]


def test_the_warm_up_climbs_to_the_rate_and_stays():
    """By hand: from 0.25 of 8 in 4 updates; over a schedule it multiplies."""
    rate = WarmUp(8.0, 0.25, 4)
    assert [float(rate(step)) for step in range(6)] == pytest.approx([3.5, 5.0, 6.5, 8.0, 8.0, 8.0])
    # eight updates of the critic per iteration: two of sixteen are past, as many of the generator are all
    photon = replace(get_experiment("photon").training, critic_steps=8, warmup_iterations=2, warmup_from=0.0)
    for network, factor in (("critic", 2 / 16), ("generator", 1.0)):
        climbing = build_optimizer(photon, network)._learning_rate
        assert float(climbing(1)) == pytest.approx(factor * photon.setting("learning_rate", network))
    halving = WarmUp(tf.keras.optimizers.schedules.ExponentialDecay(8.0, 1, 0.5), 0.0, 2)
    assert [float(halving(step)) for step in range(3)] == pytest.approx([4.0, 4.0, 2.0])


@pytest.mark.parametrize(
    ("arguments", "settings", "expected"),
    [
        (["--strategy", "mirrored"], {"training.jit_compile": True}, r"training\.jit_compile: found true"),
        (["--strategy", "multiworker"], {"training.jit_compile": True}, r"training\.jit_compile: found true"),
        (["--strategy", "horovod", "--scale-lr", "linear"], {}, r"--scale-lr linear: found with --global-batch keep"),
        (["--strategy", "mirrored", "--fp16-gradients"], {}, "--fp16-gradients: found with --strategy mirrored"),
    ],
)
def test_pairs_that_cannot_work_are_refused(arguments, settings, expected):
    """Breaks when a pair that fails inside TensorFlow, or does nothing, gets through."""
    with pytest.raises(ConfigError, match=expected):
        refuse_early(options(*arguments), get_experiment("photon").with_values(settings))


def test_a_batch_that_cannot_be_shared_is_refused():
    """Breaks when replicas get unequal shares, whose means would not be the mean of the batch."""
    with pytest.raises(ConfigError, match=r"training\.batch_size: found 1024 for 3 replicas, expected a multiple of 3"):
        shared_experiment(options("--strategy", "horovod"), get_experiment("photon"), 3)


def test_the_spectral_norm_of_addons_is_refused_where_replicas_share_variables():
    """Breaks when tensorflow-addons' assignment inside a replica ends in a traceback."""
    lhcb = get_experiment("lhcb_sagan_sn_gd").with_values({"network.spectral_norm": "addons"})
    with pytest.raises(ConfigError, match=r"network\.spectral_norm: found addons"):
        refuse_early(options("--strategy", "mirrored"), lhcb)


def test_a_slurm_step_becomes_a_cluster(monkeypatch):
    """Breaks when ranks and addresses are not those of srun, or two jobs on a node get the same ports."""
    monkeypatch.delenv("TF_CONFIG", raising=False)
    step = {"PROCID": 3, "LOCALID": 1, "STEP_NUM_TASKS": 4, "STEP_NODELIST": "gpu[07-08]", "JOB_ID": 123}
    for name, value in {**step, "STEP_TASKS_PER_NODE": "2(x2)"}.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    resolver, workers = find_cluster()
    assert workers == ["gpu07:21968", "gpu07:21969", "gpu08:21968", "gpu08:21969"]
    assert (resolver.task_type, resolver.task_id) == ("worker", 3)
    monkeypatch.setenv("SLURM_JOB_ID", "124")
    assert find_cluster()[1][0] == "gpu07:21984"
    # two names of one machine do not share a port
    monkeypatch.setenv("SLURM_STEP_NODELIST", "127.0.0.1,localhost")
    assert find_cluster()[1] == ["127.0.0.1:21984", "127.0.0.1:21985", "localhost:21986", "localhost:21987"]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (None, "found neither TF_CONFIG nor the variables of a SLURM step"),
        ("{", "TF_CONFIG: found '{'"),
        ('{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}', "task worker 1"),
    ],
)
def test_a_cluster_that_is_none_is_refused_in_one_line(monkeypatch, config, expected):
    """Breaks when a forgotten launcher or a wrong TF_CONFIG ends in a traceback, or in an endless wait."""
    for name in ("TF_CONFIG", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(ConfigError, match=expected):
        find_cluster()


def test_one_device_cannot_be_mirrored():
    """Breaks when `mirrored` silently trains on one device."""
    with pytest.raises(ConfigError, match="--strategy mirrored: found 1 device, expected at least two GPUs"):
        connect("mirrored")


@pytest.mark.parametrize("text", ["two", "0", "-1", ""])
def test_a_number_of_devices_that_is_none_is_refused(monkeypatch, text):
    """Breaks when it ends in a traceback, or in a run on one device."""
    monkeypatch.setenv(VIRTUAL_DEVICES, text)
    with pytest.raises(ConfigError, match=f"^{VIRTUAL_DEVICES}: found '{text}', expected a number of devices$"):
        split_cpu()


def test_all_ranks_stop_when_one_cannot_go_on():
    """Breaks when a failure of one rank is taken for success, or the others go on without it."""

    class TwoRanks(Strategy):
        """Rank 0 of two; ``elsewhere`` is what the other one adds to each sum."""

        def __init__(self, elsewhere):
            self.processes, self.process, self._elsewhere = 2, 0, iter(elsewhere)

        def sum_over_processes(self, number):
            return number + next(self._elsewhere)

    def broken():
        raise ConfigError("broken")

    assert TwoRanks((0, 0)).together(lambda: 7) == 7
    with pytest.raises(ConfigError, match="broken"):
        TwoRanks((0, 0)).together(broken)
    with pytest.raises(CalosimError, match="rank 0: stopped because another rank") as stopped:
        TwoRanks((1, 2)).together(lambda: 7)
    assert stopped.value.exit_code == 2
