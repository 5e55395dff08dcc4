"""Optimisers of tensorflow-addons, the only place that imports it.

The talk reports that RAdam with LookAhead and AdamW did not help; they are here so that anybody can see it.
"""

from __future__ import annotations

import warnings


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
    with warnings.catch_warnings():
        # the package announces its own end of life on import
        warnings.simplefilter("ignore")
        import tensorflow_addons as addons
    if name == "adamw":
        return addons.optimizers.AdamW(weight_decay, rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    radam = addons.optimizers.RectifiedAdam(rate, beta_1=beta1, beta_2=beta2, epsilon=epsilon)
    return addons.optimizers.Lookahead(radam)
