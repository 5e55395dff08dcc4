"""Optimisers and the cyclical schedule of tensorflow-addons.

The talk reports that RAdam with LookAhead, AdamW and a cyclical learning rate did not help; they are here so that this
can be checked.
"""

from __future__ import annotations

from calosim_tf.layers.addons import import_addons


def build_addons_optimizer(name: str, rate, beta1: float, beta2: float, epsilon: float, weight_decay: float):
    """``radam_lookahead`` or ``adamw`` with Keras' optimiser interface.

    Parameters
    ----------
    name : str
    rate : float or keras LearningRateSchedule
    beta1, beta2, epsilon : float
    weight_decay : float
        Decoupled weight decay per update (``adamw`` only).
    """
    addons = import_addons()
    if name == "adamw":
        return addons.optimizers.AdamW(weight_decay, rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    radam = addons.optimizers.RectifiedAdam(rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    return addons.optimizers.Lookahead(radam)


def build_cyclical_schedule(low: float, high: float, updates_per_cycle: int):
    """Learning rate that rises linearly from ``low`` to ``high`` and back, once per cycle (Smith 2017)."""
    schedules = import_addons().optimizers
    return schedules.TriangularCyclicalLearningRate(low, high, updates_per_cycle / 2)
