"""The detectors of the published data sets.

Lengths are in mm, angles in rad.  The voxel edges of the CaloChallenge data set 1 come from its published binning
files.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from calosim_tf.errors import ConfigError
from calosim_tf.geometry.beams import (
    Beam,
    calogan_attributes,
    lhcb_attributes,
    lhcb_energies_mev,
    no_attributes,
    nominal_energy,
    polar_attributes,
    two_classes,
    uniform_energies,
)
from calosim_tf.geometry.detector import VoxelDetector
from calosim_tf.geometry.layers import CellLayer, VoxelLayer
from calosim_tf.geometry.ring_names import MARK, ring_detector


def _layers(*rows: tuple[int, int, Sequence[float]]) -> tuple[VoxelLayer, ...]:
    return tuple(VoxelLayer(layer_id, tuple(float(r) for r in edges), n_alpha) for layer_id, n_alpha, edges in rows)


# Authors' plots, data set 1 photons.
PHOTON_RESPONSE_RANGES = (
    (8, 0.0, 2.09),
    (9, 0.0, 1.74),
    (10, 0.5, 1.26),
    (11, 0.7, 1.2),
    (12, 0.82, 1.15),
    (13, 0.78, 1.08),
    (14, 0.85, 1.03),
    (15, 0.92, 1.02),
    (16, 0.9, 1.01),
    (17, 0.88, 1.0),
    (18, 0.88, 1.0),
    (19, 0.9, 0.998),
    (20, 0.89, 0.995),
    (21, 0.9, 0.99),
    (22, 0.89, 0.988),
)

# CaloChallenge data set 1, 0.20 < |eta| < 0.25: published binning file of the photon set.
PHOTON = VoxelDetector(
    name="photon",
    particle="gamma",
    mass_mev=0.0,
    layers=_layers(
        (0, 1, (0, 5, 10, 30, 50, 100, 200, 400, 600)),
        (1, 10, (0, 2, 4, 6, 8, 10, 12, 15, 20, 30, 40, 50, 70, 90, 120, 150, 200)),
        (2, 10, (0, 2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 130, 160, 200, 250, 300, 350, 400)),
        (3, 1, (0, 50, 100, 200, 400, 600)),
        (12, 1, (0, 100, 200, 400, 1000, 2000)),
    ),
    threshold_mev=1.0,
    sample="photon",
    symmetric_samples=("EGSnrc sample",),
    pions="photon_piplus",
    challenge_set=1,
    narrow_response_from_mev=4096.0,
    response_ranges=PHOTON_RESPONSE_RANGES,
)

# The same calorimeter in front of its hadronic part (layers 12, 13, 14): published binning file of the pion set.
PION = VoxelDetector(
    name="pion",
    particle="pi+",
    mass_mev=139.6,
    layers=_layers(
        (0, 1, (0, 5, 10, 30, 50, 100, 200, 400, 600)),
        (1, 10, (0, 1, 4, 7, 10, 15, 30, 50, 90, 150, 200)),
        (2, 10, (0, 5, 10, 20, 30, 50, 80, 130, 200, 300, 400)),
        (3, 1, (0, 50, 100, 200, 400, 600)),
        (12, 10, (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400, 1000, 2000)),
        (13, 10, (0, 10, 20, 30, 50, 80, 100, 130, 160, 200, 250, 300, 350, 400, 600, 1000, 2000)),
        (14, 1, (0, 50, 100, 150, 200, 250, 300, 400, 600, 1000, 2000)),
    ),
    threshold_mev=1.0,
    sample="pion",
    symmetric_samples=("Geant4 (data-free) pion sample",),
    challenge_set=1,
)


def _regular_cylinder(challenge_set: int, n_alpha: int, n_r: int, ring_mm: float) -> VoxelDetector:
    """45 equal layers of equal rings, electrons: the detector of CaloChallenge data sets 2 and 3."""
    # as the files have them: 13.95, where 3 * 4.65 is 13.950000000000001
    edges = [round(ring_mm * i, 3) for i in range(n_r + 1)]
    return VoxelDetector(
        name=f"dataset_{challenge_set}",
        particle="e-",
        mass_mev=0.511,
        layers=_layers(*((layer_id, n_alpha, edges) for layer_id in range(45))),
        # 0.5 keV in the active material over the sampling fraction 0.033 (evaluation of the CaloChallenge)
        threshold_mev=0.5e-3 / 0.033,
        challenge_set=challenge_set,
    )


# CaloChallenge data sets 2 and 3: published binning files.
DATASET_2 = _regular_cylinder(2, n_alpha=16, n_r=9, ring_mm=4.65)
DATASET_3 = _regular_cylinder(3, n_alpha=50, n_r=18, ring_mm=2.325)

# LHCb-like shashlik calorimeter, 5 x 5 modules of 6 x 6 cells, one longitudinal section, as in the EGSnrc sample and
# (with cells of 20.2 mm) the public generator github.com/yandexdataschool/CaloGAN.  Rows count y, columns x.
LHCB = VoxelDetector(
    name="lhcb",
    particle="e-",
    mass_mev=0.511,
    layers=(CellLayer(0, 30, 30, row_mm=20.0, column_mm=20.0),),
    threshold_mev=1.0,
    file_layout="lhcb",
    energy_unit_mev=1e3,
    attributes=("px_gev", "py_gev", "pz_gev", "x_cm", "y_cm"),
    central=(0.0, 0.0, math.nan, 0.0, 0.0),
    beam=Beam(lhcb_energies_mev, lhcb_attributes),
    sample="lhcb",
    provides=("lhcb",),
)

# The same detector with the axes of the file's images set explicitly (calosim_tf.data.layouts.lhcb_file); ``lhcb``
# tells them from the showers.  Rows count y here too.
LHCB_XY = replace(LHCB, name="lhcb_xy", file_axes="xy")
LHCB_YX = replace(LHCB, name="lhcb_yx", file_axes="yx")

# CaloGAN (github.com/hep-lbdl/CaloGAN): 480 x 480 mm, all energy in absorber and argon counted.  Rows count x (printed
# as phi in the papers), columns y (eta).
CALOGAN = VoxelDetector(
    name="calogan",
    particle="e+",
    mass_mev=0.0,  # files give the kinetic energy
    layers=(
        CellLayer(0, 3, 96, row_mm=160.0, column_mm=5.0, row_axis="x", column_axis="y"),
        CellLayer(1, 12, 12, row_mm=40.0, column_mm=40.0, row_axis="x", column_axis="y"),
        CellLayer(2, 12, 6, row_mm=40.0, column_mm=80.0, row_axis="x", column_axis="y"),
    ),
    threshold_mev=0.1,
    file_layout="calogan",
    energy_unit_mev=1e3,
    attributes=("theta_rad", "phi_rad", "x0_mm", "y0_mm"),
    central=(math.pi / 2, 0.0, 0.0, 0.0),
    beam=Beam(uniform_energies(1e3, 1e5), calogan_attributes),  # public macro
    sample="calogan",
    pions="calogan_piplus",
    provides=("calogan",),
)

# The sets of photons and charged pions in the same calorimeter.
CALOGAN_GAMMA = replace(CALOGAN, name="calogan_gamma", particle="gamma", sample="")
CALOGAN_PIPLUS = replace(CALOGAN, name="calogan_piplus", particle="pi+", sample="", pions="")

# The original set: perpendicular particles in the middle, no angles in the files.
CALOGAN_CENTRAL = replace(
    CALOGAN,
    name="calogan_central",
    file_layout="calogan_central",
    attributes=(),
    central=(),
    beam=replace(CALOGAN.beam, attributes=no_attributes),
    pions="",
)
CALOGAN_CENTRAL_GAMMA = replace(CALOGAN_CENTRAL, name="calogan_central_gamma", particle="gamma", sample="")
CALOGAN_CENTRAL_PIPLUS = replace(CALOGAN_CENTRAL, name="calogan_central_piplus", particle="pi+", sample="")

# 3DGAN (CLIC-like electromagnetic calorimeter): 25 layers of 25 x 25 cells of 5.1 mm; rows count x, columns y.
CLIC = VoxelDetector(
    name="clic",
    particle="e-",
    mass_mev=0.0,  # files give the energy
    layers=tuple(CellLayer(z, 25, 25, row_mm=5.1, column_mm=5.1, row_axis="x", column_axis="y") for z in range(25)),
    threshold_mev=1e-3,  # 1e-6 GeV, the cut of the authors' reader
    file_layout="ecal",
    cell_unit_mev=1e3,
    energy_unit_mev=1e3,
    beam=Beam(uniform_energies(2e3, 5e5), no_attributes),  # published
    sample="clic",
    provides=("cubes",),
)

# The set of variable angle: a wider window, a threshold of 1e-4 GeV (default of the authors' reader).
CLIC_ANGLE = VoxelDetector(
    name="clic_angle",
    particle="e-",
    mass_mev=0.0,
    layers=tuple(CellLayer(z, 51, 51, row_mm=5.1, column_mm=5.1, row_axis="x", column_axis="y") for z in range(25)),
    threshold_mev=0.1,
    file_layout="ecal_angle",
    cell_unit_mev=1e3 / 50,  # the public files hold 50 x GeV
    energy_unit_mev=1e3,
    attributes=("theta_rad",),
    central=(math.pi / 2,),
    beam=Beam(uniform_energies(2e3, 5e5), polar_attributes),  # published
    simulated_events=2_000,  # our choice: 0.5 GB in memory
    provides=("cubes",),
)

# Jet images (LAGAN, arXiv:1701.05927): transverse momentum in 25 x 25 pixels of 0.1 in pseudorapidity and azimuth
# around the leading subjet.  Where a detector has mm, these have thousandths: 1000 "mm" are 1 in eta or 1 rad in phi.
# Its x is eta, its y is -phi: rows count phi downwards, from +1.2.  A jet has no incident energy; the middle of the
# window of transverse momenta, 250 to 300 GeV, is the scale of its sums.
JET_NOMINAL_MEV = 275e3
JET_IMAGE = VoxelDetector(
    name="jet_image",
    particle="jet",
    mass_mev=0.0,
    layers=(CellLayer(0, 25, 25, row_mm=100.0, column_mm=100.0),),
    threshold_mev=1.0,  # 1e-3 GeV, below which the authors set pixels to 0
    file_layout="jet_image",
    cell_unit_mev=1e3,
    attributes=("signal",),  # 1: W boson, 0: QCD
    central=(0.0,),
    classes=("signal",),
    nominal_energy_mev=JET_NOMINAL_MEV,
    beam=Beam(nominal_energy(JET_NOMINAL_MEV), two_classes),
    simulated_events=20_000,  # our choice
    provides=("jets",),
)

# Electromagnetic calorimeter of the ILD, silicon and tungsten, as in the public files of "Getting High" (Buhmann et al.
# 2021): 30 layers of 30 x 30 cells of 5 mm around the photon; rows count x, columns what the files call z.
ILC = VoxelDetector(
    name="ilc",
    particle="gamma",
    mass_mev=0.0,
    layers=tuple(CellLayer(z, 30, 30, row_mm=5.0, column_mm=5.0, row_axis="x", column_axis="y") for z in range(30)),
    threshold_mev=0.1,  # half a minimum-ionising particle (authors' code)
    file_layout="ilc",
    energy_unit_mev=1e3,
    beam=Beam(uniform_energies(1e4, 1e5), no_attributes),  # published
    simulated_events=2_000,  # our choice: 0.2 GB in memory
)

DETECTORS = {
    detector.name: detector
    for detector in (
        PHOTON,
        PION,
        DATASET_2,
        DATASET_3,
        LHCB,
        LHCB_XY,
        LHCB_YX,
        CALOGAN,
        CALOGAN_GAMMA,
        CALOGAN_PIPLUS,
        CALOGAN_CENTRAL,
        CALOGAN_CENTRAL_GAMMA,
        CALOGAN_CENTRAL_PIPLUS,
        CLIC,
        CLIC_ANGLE,
        JET_IMAGE,
        ILC,
    )
}


def get_detector(name: str, keys: Sequence[str] = ()) -> VoxelDetector:
    """Detector of that name, or of one that says its rings itself; :class:`ConfigError` names the known ones.

    Parameters
    ----------
    name : str
    keys : sequence of str
        As for :func:`file_keys`.
    """
    try:
        detector = ring_detector(name) if MARK in name else DETECTORS[name]
    except KeyError:
        raise ConfigError(f"detector {name!r} is unknown: use one of {', '.join(DETECTORS)}") from None
    return replace(detector, file_keys=file_keys(keys)) if keys else detector


def file_keys(keys: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Names of datasets from words ``NAME=DATASET``: the layout's name and that in the file, a path in HDF5.

    Raises
    ------
    ConfigError
        A word is not of this form, or a name is there twice.
    """
    found: dict[str, str] = {}
    for word in keys:
        name, _, dataset = (part.strip() for part in word.partition("="))
        if not name or not dataset or name in found:
            raise ConfigError(
                f"keys: found {word!r}, expected NAME=DATASET once for each name, for example showers=data/showers"
            )
        found[name] = dataset
    return tuple(found.items())
