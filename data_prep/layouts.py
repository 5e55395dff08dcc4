"""What can be simulated: a detector, its calorimeter in depth and the incident particles of the public files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from calosim_tf.data.schema import kinetic_energy_mev
from calosim_tf.data_prep.cell_layouts import (
    calogan_gamma_showers_mev,
    calogan_piplus_showers_mev,
    calogan_showers_mev,
    clic_angle_showers_mev,
    clic_showers_mev,
    ilc_showers_mev,
    lhcb_showers_mev,
)
from calosim_tf.data_prep.electromagnetic import photon_components
from calosim_tf.data_prep.hadronic import pion_components
from calosim_tf.data_prep.jets import jet_images_mev
from calosim_tf.data_prep.lateral import expected_voxels_mev
from calosim_tf.data_prep.stacks import (
    CALOGAN_STACK,
    CLIC_STACK,
    ILC_STACK,
    LHCB_STACK,
    PHOTON_STACK,
    PION_STACK,
    Stack,
)
from calosim_tf.data_prep.voxelise import sample_spots
from calosim_tf.errors import ConfigError
from calosim_tf.geometry import PHOTON, PION, VoxelDetector
from calosim_tf.geometry.beams import Beam
from calosim_tf.geometry.detectors import (
    CALOGAN,
    CALOGAN_CENTRAL,
    CALOGAN_CENTRAL_GAMMA,
    CALOGAN_CENTRAL_PIPLUS,
    CALOGAN_GAMMA,
    CALOGAN_PIPLUS,
    CLIC,
    CLIC_ANGLE,
    ILC,
    JET_IMAGE,
    LHCB,
)

# Variance per energy of 5.0 MeV, that is a sampling term of 7.1 % / sqrt(E / GeV): measured on the EGSnrc sample, whose
# thresholds are low (lead-argon calorimeters as built have 10 %).  The shape is tuned to its share of hit voxels.
EM_SPOT_MEV, EM_SPOT_SHAPE = 3.0, 1.5
# Our choice: few, heavily ionising nuclear fragments; 25 % / sqrt(E / GeV) of the hadronic part.
HADRON_SPOT_MEV, HADRON_SPOT_SHAPE = 30.0, 1.0
# Pions in the voxels of the photon calorimeter, to be told from its photons; their files have the photon layout.
PHOTON_PIPLUS = replace(
    PHOTON,
    name="photon_piplus",
    particle=PION.particle,
    mass_mev=PION.mass_mev,
    sample="",
    pions="",
    challenge_set=0,
    response_ranges=(),
)


# (incident_mev, attributes, rng) -> showers_mev
Simulated = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


@dataclass(frozen=True)
class Layout:
    """One kind of file that the simulator can write.

    Attributes
    ----------
    detector : VoxelDetector
    version : int
        Raised whenever the same seed gives other showers.
    description : str
        Simulated calorimeter, in words.
    showers_mev : callable
        ``(incident_mev, attributes, rng) -> showers`` with shapes (n,), (n, attributes of the detector) and (n,
        n_voxels), MeV.
    events_at_mev : dict of float to int, optional
        Incident energy to number of events in the published files: the proportions of a simulated one.
    """

    detector: VoxelDetector
    version: int
    description: str
    showers_mev: Simulated
    events_at_mev: dict[float, int] | None = None

    @property
    def beam(self) -> Beam | None:
        """Laws of the incident particles where they are continuous."""
        return self.detector.beam


def photon_showers_mev(incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photons of energy ``incident_mev``, shape (n,): showers of shape (n, 368), MeV."""
    components = photon_components(incident_mev, PHOTON_STACK, rng)
    return sample_spots(expected_voxels_mev(PHOTON_STACK, PHOTON, components), EM_SPOT_MEV, EM_SPOT_SHAPE, rng)


def pion_showers_mev(incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Charged pions of momentum ``incident_mev``, shape (n,): showers of shape (n, 533), MeV."""
    return _pions_in(PION_STACK, PION, incident_mev, rng)


def photon_piplus_showers_mev(
    incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Charged pions of momentum ``incident_mev`` in the photon calorimeter alone: showers of shape (n, 368), MeV."""
    return _pions_in(PHOTON_STACK, PHOTON, incident_mev, rng)


def _pions_in(stack: Stack, detector: VoxelDetector, incident_mev: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    kinetic_mev = kinetic_energy_mev(incident_mev, PION.mass_mev)
    electromagnetic, hadronic = pion_components(incident_mev, kinetic_mev, stack, rng)
    em_mev = expected_voxels_mev(stack, detector, electromagnetic)
    hadronic_mev = expected_voxels_mev(stack, detector, hadronic)
    showers = sample_spots(em_mev, EM_SPOT_MEV, EM_SPOT_SHAPE, rng)
    return showers + sample_spots(hadronic_mev, HADRON_SPOT_MEV, HADRON_SPOT_SHAPE, rng)


def _central(showers_mev: Simulated) -> Simulated:
    """The same particles, all perpendicular and in the middle: the original CaloGAN sets, without attributes."""

    def central_showers_mev(incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return showers_mev(incident_mev, np.tile(CALOGAN.central, (len(incident_mev), 1)), rng)

    return central_showers_mev


def _published_events(at_262_gev: int) -> dict[float, int]:
    """CaloChallenge data set 1: events at 2^8 ... 2^22 MeV in one file."""
    counts = [10_000] * 10 + [at_262_gev, 5_000, 3_000, 2_000, 1_000]
    return {2.0**power: count for power, count in zip(range(8, 23), counts, strict=True)}


def _in_words(stack: Stack) -> str:
    return "; ".join(
        f"{'dead' if s.layer_id is None else f'layer {s.layer_id}'}: {s.length_mm:.1f} mm"
        f" ({s.length_mm / s.medium.x0_mm:.2f} X0, {s.length_mm / s.medium.lambda_mm:.2f} interaction lengths)"
        for s in stack.sections
    )


LAYOUTS = {
    layout.detector.name: layout
    for layout in (
        Layout(PHOTON, 1, _in_words(PHOTON_STACK), photon_showers_mev, _published_events(10_000)),
        Layout(PION, 1, _in_words(PION_STACK), pion_showers_mev, _published_events(9_800)),
        Layout(PHOTON_PIPLUS, 1, _in_words(PHOTON_STACK), photon_piplus_showers_mev, _published_events(10_000)),
        Layout(LHCB, 1, _in_words(LHCB_STACK), lhcb_showers_mev),
        Layout(CALOGAN, 1, _in_words(CALOGAN_STACK), calogan_showers_mev),
        Layout(CALOGAN_GAMMA, 1, _in_words(CALOGAN_STACK), calogan_gamma_showers_mev),
        Layout(CALOGAN_PIPLUS, 1, _in_words(CALOGAN_STACK), calogan_piplus_showers_mev),
        Layout(CALOGAN_CENTRAL, 1, _in_words(CALOGAN_STACK), _central(calogan_showers_mev)),
        Layout(CALOGAN_CENTRAL_GAMMA, 1, _in_words(CALOGAN_STACK), _central(calogan_gamma_showers_mev)),
        Layout(CALOGAN_CENTRAL_PIPLUS, 1, _in_words(CALOGAN_STACK), _central(calogan_piplus_showers_mev)),
        Layout(CLIC, 1, _in_words(CLIC_STACK), clic_showers_mev),
        Layout(CLIC_ANGLE, 1, _in_words(CLIC_STACK), clic_angle_showers_mev),
        Layout(JET_IMAGE, 1, "parametrised prongs of jets in pixels: no parton shower, no detector", jet_images_mev),
        Layout(ILC, 1, _in_words(ILC_STACK), ilc_showers_mev),
    )
}


def get_layout(name: str) -> Layout:
    """Layout of that name; :class:`ConfigError` names the known ones."""
    try:
        return LAYOUTS[name]
    except KeyError:
        raise ConfigError(f"layout {name!r} cannot be simulated: use one of {', '.join(LAYOUTS)}") from None
