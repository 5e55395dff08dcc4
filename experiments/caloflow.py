"""CaloFlow (Krause and Shih 2021; Krause, Pang and Shih 2022; docs/caloflow.md): normalising flows.

* ``caloflow_eplus``, ``caloflow_gamma``, ``caloflow_piplus``: teachers in the calorimeter of CaloGAN, 504 voxels.
* ``caloflow_photon``, ``caloflow_pion``: teachers on data set 1 of the CaloChallenge.
* ``<name>_student``: samples in one pass; learns from a teacher, ``--set training.teacher=RUN``.
* ``<name>_smoke``: narrow networks, a few minutes on two cores.
"""

from __future__ import annotations

from dataclasses import replace

from calosim_tf.config import CaloFlowDistillation, CaloFlowNetwork, CaloFlowTraining, DataConfig, Experiment
from calosim_tf.experiments.quick import smoke_size

PAPER_1 = "CaloFlow, Krause and Shih, Phys. Rev. D 107, 113003 (arXiv:2106.05285)"
PAPER_2 = "CaloFlow II, Krause and Shih, Phys. Rev. D 107, 113004 (arXiv:2110.11377)"
PAPER_3 = "CaloFlow for CaloChallenge dataset 1, Krause, Pang and Shih (arXiv:2210.14245)"

# Authors' code: 70 000 training showers in batches of 200 are 350 updates of an epoch
CALOGAN_EPOCH = 350
CALOGAN_TRAINING = CaloFlowTraining(
    energy_iterations=75 * CALOGAN_EPOCH,
    iterations=(75 + 100) * CALOGAN_EPOCH,
    schedule="steps",
    step_iterations=(50 * CALOGAN_EPOCH,),
    schedule_energy_flow="steps",
    step_iterations_energy_flow=tuple(epoch * CALOGAN_EPOCH for epoch in (5, 15, 40, 60)),
    checkpoint_every=5 * CALOGAN_EPOCH,
    log_every=50,
    selection="likelihood",
)
# Authors' code: gradients of 2, 4, 8, 16 minibatches added up from epochs 0, 10, 40, 70 on, leftovers dropped; the rate
# falls in the same places
CALOGAN_PARTS = (10 * (CALOGAN_EPOCH // 2), 30 * (CALOGAN_EPOCH // 4), 30 * (CALOGAN_EPOCH // 8))
CALOGAN_DISTILLATION = CaloFlowDistillation(
    batch_size=200,
    distilled_energies="uniform",
    summed_batches=(2, 4, 8, 16),
    summed_iterations=CALOGAN_PARTS,
    iterations=sum(CALOGAN_PARTS) + 30 * (CALOGAN_EPOCH // 16),
    schedule="steps",
    step_iterations=(CALOGAN_PARTS[0], sum(CALOGAN_PARTS[:2]), sum(CALOGAN_PARTS)),
    checkpoint_every=CALOGAN_EPOCH,
    log_every=10,
    selection="likelihood",
)

EPLUS = Experiment(
    name="caloflow_eplus",
    paper=PAPER_1,
    summary="CaloFlow teacher: positrons in the CaloGAN calorimeter",
    network=CaloFlowNetwork(
        detector="calogan_central", largest_response=1.0, context_scale=10.0, layer_context_shift=2.0
    ),
    data=DataConfig(layout="calogan_central", holdout_fraction=0.3),
    training=CALOGAN_TRAINING,
)


def _other_particle(name: str, layout: str, words: str) -> Experiment:
    return replace(
        EPLUS,
        name=name,
        summary=f"CaloFlow teacher: {words} in the CaloGAN calorimeter",
        network=replace(EPLUS.network, detector=layout),
        data=replace(EPLUS.data, layout=layout),
    )


GAMMA = _other_particle("caloflow_gamma", "calogan_central_gamma", "photons")
PIPLUS = _other_particle("caloflow_piplus", "calogan_central_piplus", "charged pions")

# Authors' code: 84 700 training showers in batches of 200 are 424 updates of an epoch
PHOTON = Experiment(
    name="caloflow_photon",
    paper=PAPER_3,
    summary="CaloFlow teacher on photons of data set 1",
    network=CaloFlowNetwork(detector="photon"),
    data=DataConfig(layout="photon", holdout_fraction=0.3),
    training=CaloFlowTraining(
        energy_iterations=100 * 424,
        iterations=200 * 424,
        learning_rate_energy_flow=1e-3,
        schedule_energy_flow="one_cycle",
        schedule_iterations_energy_flow=100 * 424,
        learning_rate_generator=2e-3,
        schedule="triangular",
        schedule_iterations=1_700,
        schedule_floor=0.025,
        checkpoint_every=5 * 424,
        log_every=50,
        selection="likelihood",
    ),
)
# ... and 84 560 are 423, or 170 in batches of 500
PION = replace(
    PHOTON,
    name="caloflow_pion",
    summary="CaloFlow teacher on charged pions of data set 1",
    network=CaloFlowNetwork(detector="pion", voxel_units=533, largest_response=6.93),
    data=replace(PHOTON.data, layout="pion"),
    training=replace(
        PHOTON.training,
        energy_iterations=100 * 423,
        schedule_iterations_energy_flow=100 * 423,
        energy_noise_mev=1e-4,
        batch_size=500,
        iterations=100 * 423 + 17_000,
        learning_rate_generator=1e-3,
        schedule="one_cycle",
        schedule_iterations=17_000,
        schedule_floor=0.0,
        cycle_rise=0.45,
        checkpoint_every=5 * 170,
    ),
)
PHOTON_DISTILLATION = CaloFlowDistillation(
    iterations=100 * 484,
    learning_rate_generator=1e-3,
    schedule="one_cycle",
    schedule_iterations=100 * 484,
    checkpoint_every=5 * 484,
    log_every=50,
    selection="likelihood",
)
# The authors' command for pions is not guided, in a repository where that is the default; the paper's setting is not
# known.  Guided is what the method is
PION_DISTILLATION = replace(
    PHOTON_DISTILLATION,
    iterations=150 * 484,
    schedule_iterations=150 * 484,
    cycle_begin=0.02,
    distilled_energies="uniform",
)


def _student(teacher: Experiment, units: int, paper: str, training: CaloFlowDistillation) -> Experiment:
    return replace(
        teacher,
        name=f"{teacher.name}_student",
        paper=paper,
        summary=teacher.summary.replace("teacher", "student"),
        network=replace(teacher.network, role="student", voxel_units=units),
        training=training,
    )


# Our choices for the smoke sizes: width 32, and rates and schedules for so few updates
NARROW = {"energy_units": 16, "voxel_units": 32}


def _teacher_smoke(teacher: Experiment) -> Experiment:
    training = replace(
        teacher.training,
        energy_iterations=200,
        schedule_energy_flow="one_cycle",
        schedule_iterations_energy_flow=200,
        learning_rate_energy_flow=3e-3,
        iterations=450,
        batch_size=100,
        schedule="one_cycle",
        schedule_iterations=250,
        schedule_floor=0.0,
        learning_rate_generator=3e-3,
        checkpoint_every=150,
        log_every=10,
    )
    return smoke_size(teacher, network=replace(teacher.network, **NARROW), training=training)


def _student_smoke(student: Experiment) -> Experiment:
    # in two parts where the experiment has several
    parts = {"summed_batches": (1, 2), "summed_iterations": (100,)} if student.training.summed_iterations else {}
    training = replace(
        student.training,
        iterations=150,
        batch_size=50,
        schedule="one_cycle",
        schedule_iterations=150,
        learning_rate_generator=1e-3,
        checkpoint_every=50,
        log_every=10,
        **parts,
    )
    return smoke_size(student, network=replace(student.network, **NARROW), training=training)


TEACHERS = (EPLUS, GAMMA, PIPLUS, PHOTON, PION)
STUDENTS = (
    *(_student(teacher, 504, PAPER_2, CALOGAN_DISTILLATION) for teacher in (EPLUS, GAMMA, PIPLUS)),
    _student(PHOTON, 736, PAPER_3, PHOTON_DISTILLATION),
    _student(PION, 500, PAPER_3, PION_DISTILLATION),
)
EXPERIMENTS = (
    *TEACHERS,
    *STUDENTS,
    *(_teacher_smoke(teacher) for teacher in TEACHERS),
    *(_student_smoke(student) for student in STUDENTS),
)
