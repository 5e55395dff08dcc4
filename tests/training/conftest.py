"""A GAN small enough to be checked by hand, and runs that are cut back and continued."""

import shutil
from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from calosim_tf.experiments import get_experiment
from calosim_tf.training.parts import prepare
from calosim_tf.training.run_folder import RunFolder
from calosim_tf.training.train import train

TINY = {
    "network.latent.size": 4,
    "network.n_outputs": 368,
    "network.generator_units": (6, 5),
    "network.critic_units": (7, 6),
    "training.batch_size": 8,
    "training.critic_steps": 2,
    "training.iterations": 6,
    "training.checkpoint_every": 2,
    "training.log_every": 1,
    "run.seed": 5,
}


@pytest.fixture(scope="session")
def tiny():
    """The photon experiment with narrow layers and small batches."""
    return replace(get_experiment("photon").with_values(TINY), name="tiny")


class Runs:
    """Trainings in this process."""

    @staticmethod
    def trained(experiment, source, run: RunFolder, resume: bool = False) -> RunFolder:
        # names count from 1 as in a separate process: rounding follows TensorFlow's rewriting of graphs, and that names
        keras.backend.clear_session()
        prepare(experiment, source, run, resume=resume, force=False)
        train(experiment, source, run)
        return run

    @staticmethod
    def state(run: RunFolder, iteration: int) -> dict[str, np.ndarray]:
        reader = tf.train.load_checkpoint(str(run.checkpoints / str(iteration) / "state"))
        names = [name for name in reader.get_variable_to_shape_map() if "OBJECT_GRAPH" not in name]
        return {name.removesuffix("/.ATTRIBUTES/VARIABLE_VALUE"): reader.get_tensor(name) for name in names}

    @classmethod
    def require_equal_when_resumed(cls, source, whole: RunFolder, folder, cut: int, last: int = 8) -> None:
        """A copy of a finished run, cut back to a checkpoint and continued, ends with the same numbers."""
        resumed = RunFolder(folder / "resumed")
        shutil.copytree(whole.path, resumed.path)
        for checkpoint in resumed.checkpoints.iterdir():
            if checkpoint.is_dir() and int(checkpoint.name) > cut:
                shutil.rmtree(checkpoint)
        (resumed.checkpoints / "latest").write_text(f"{cut}\n")
        cls.trained(whole.experiment(), source, resumed, resume=True)
        expected, found = cls.state(whole, last), cls.state(resumed, last)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value, err_msg=name)
        for table in ("history", "selection"):
            assert getattr(resumed, table).rows() == getattr(whole, table).rows()


@pytest.fixture(scope="session")
def runs():
    """:class:`Runs`."""
    return Runs
