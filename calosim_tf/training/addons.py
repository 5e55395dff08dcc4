"""Optimisers and the cyclical schedule of tensorflow-addons.

The talk reports that RAdam with LookAhead, AdamW and a cyclical learning rate did not help; they are here so that this
can be checked.
"""

from __future__ import annotations

from calosim_tf.config import AnyExperiment, Experiment
from calosim_tf.errors import ConfigError
from calosim_tf.layers.addons import has_addons, import_addons, require_addons


def refuse_missing_addons(experiment: AnyExperiment) -> None:
    """Refuse an experiment that needs tensorflow-addons where it is not installed, or in a precision it cannot do.

    Raises
    ------
    ConfigError
    """
    for part in experiment.members or (experiment,):
        training = part.training
        if training.precision != "float32":
            _refuse_reduced_precision(part)
        for network in training.NETWORKS:
            if training.setting("optimizer", network) == "radam_lookahead":
                require_addons(f"training.optimizer_{network}: found radam_lookahead", "adam, adamw or rmsprop")
        if training.schedule == "cyclical":
            require_addons("training.schedule: found cyclical", "cosine or constant")
        if getattr(part.network, "spectral_norm", None) == "addons":
            require_addons("network.spectral_norm: found addons", "own")


def _refuse_reduced_precision(part: Experiment) -> None:
    """What tensorflow-addons adds reads and writes the weights that Keras rounds to 16 bits behind its back."""
    training, addons = part.training, {"radam_lookahead", *(["adamw"] if has_addons() else [])}
    for network in training.NETWORKS:
        name = training.setting("optimizer", network)
        if name in addons:
            raise ConfigError(
                f"training.optimizer_{network}: found {name} of tensorflow-addons with training.precision "
                f"{training.precision}, expected adam or rmsprop: choose one, or float32"
            )
    if getattr(part.network, "spectral_norm", None) == "addons":
        raise ConfigError(
            f"network.spectral_norm: found addons with training.precision {training.precision}, expected own or none: "
            "choose one, or float32"
        )


def build_addons_optimizer(
    name: str, rate, full_rate: float, beta1: float, beta2: float, epsilon: float, weight_decay: float
):
    """``radam_lookahead`` or ``adamw`` with Keras' optimiser interface.

    Parameters
    ----------
    name : str
    rate : float or keras LearningRateSchedule
    full_rate : float
        Largest value of ``rate``.
    beta1, beta2, epsilon : float
    weight_decay : float
        Decoupled weight decay per update (``adamw`` only).

    Notes
    -----
    Without tensorflow-addons, ``adamw`` is the optimiser of Keras, which multiplies the decay by the learning rate:
    with a schedule, the decay falls with it.
    """
    if name == "adamw" and not has_addons():
        # not needed to refuse a setting
        import keras

        from calosim_tf.keras_compat import build_keras_optimizer

        return build_keras_optimizer(
            keras.optimizers.AdamW,
            learning_rate=rate,
            weight_decay=weight_decay / full_rate,
            beta_1=beta1,
            beta_2=beta2,
            epsilon=epsilon,
        )
    addons = import_addons()
    if name == "adamw":
        return addons.optimizers.AdamW(weight_decay, rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    radam = addons.optimizers.RectifiedAdam(rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    return addons.optimizers.Lookahead(radam)


def build_cyclical_schedule(low: float, high: float, updates_per_cycle: int):
    """Learning rate that rises linearly from ``low`` to ``high`` and back, once per cycle (Smith 2017)."""
    schedules = import_addons().optimizers
    return schedules.TriangularCyclicalLearningRate(low, high, updates_per_cycle / 2)
