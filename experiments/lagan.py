"""LAGAN: jet images of W bosons and of QCD, 25 x 25 pixels.

Paper: L. de Oliveira, M. Paganini, B. Nachman, "Learning Particle Physics by Example: Location-Aware Generative
Adversarial Networks for Physics Synthesis", Comput. Softw. Big Sci. 1, 4 (2017); every number from the authors' public
code.

docs/papers/lagan.md argues every choice that the sources leave open.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import DataConfig, Experiment, LaganNetwork, LaganTraining
from calosim_tf.experiments.quick import smoke_size

PAPER = "L. de Oliveira, M. Paganini, B. Nachman: LAGAN, Comput. Softw. Big Sci. 1, 4 (2017)"

# Authors' code: 50 epochs of nine tenths of 90 000 jets in minibatches of 100; an iteration has two generator updates
UPDATES_PER_EPOCH = 90_000 * 9 // 10 // 100
ITERATIONS = 50 * UPDATES_PER_EPOCH

LAGAN = Experiment(
    name="lagan",
    paper=PAPER,
    summary="LAGAN: jet images of two classes, locally connected layers",
    network=LaganNetwork(),
    # authors' code: pixels below 1e-3 GeV are 0, a tenth is held out
    data=DataConfig(layout="jet_image", holdout_fraction=0.1, mask_mev=1.0),
    training=LaganTraining(iterations=ITERATIONS, checkpoint_every=UPDATES_PER_EPOCH, log_every=10),
)

SMOKE = smoke_size(LAGAN, training=replace(LAGAN.training, iterations=60, checkpoint_every=20, log_every=5))

EXPERIMENTS = (LAGAN, SMOKE)
