"""Showers of the detectors of rectangular cells: LHCb-like, CaloGAN, 3DGAN, ILD (no TensorFlow)."""

from __future__ import annotations

import numpy as np

from calosim_tf.data_prep.cells import Axes, Readout, cell_showers_mev
from calosim_tf.data_prep.electromagnetic import electron_components, photon_components
from calosim_tf.data_prep.hadronic import pion_components
from calosim_tf.data_prep.lateral import Component
from calosim_tf.data_prep.media import LEAD_ARGON
from calosim_tf.data_prep.stacks import CALOGAN_STACK, CLIC_STACK, ILC_STACK, LHCB_STACK, Stack
from calosim_tf.geometry.detectors import CALOGAN, CLIC, CLIC_ANGLE, ILC, LHCB

# Spots are measured on the resolution of the EGSnrc samples (7.4 and 17 % / sqrt(E / GeV): half the variance per
# energy), visible shares on their mean response, the radius of 3DGAN on its widths.
LHCB_READOUT = Readout(spot_mev=2.7, fraction=0.1745)
CLIC_READOUT = Readout(spot_mev=15.0, fraction=0.0240, radius_scale=1.12)
# Absorber and argon count: no sampling fluctuation, so that spots only decide on hit cells.  They are as small as 1000
# showers per second allow.  Radii are tuned to the widths in the EGSnrc sample.
CALOGAN_READOUT = Readout(spot_mev=3.5, radius_scale=1.07, spread=1.8, conserved=True)
# The constants of the profile were tuned to argon deposits, which come half a period behind those of all plates.
CALOGAN_START_X0 = 0.5 / LEAD_ARGON.sampling_frequency
# Our choice, tuned to nothing: 19 MeV seen per GeV, each spot a particle that leaves 0.2 MeV in a plate at the peak of
# its spectrum (the public files: 18 to 20 MeV per GeV, 0.2 MeV).
ILC_READOUT = Readout(spot_mev=11.9, fraction=0.019, radius_scale=1.12, track_width=0.1)
# Where the gun of the public macro points, from the middle of the cells of the files: near the corner of four.
ILC_POINT_MM = (-0.4, 0.7)
# Our choice: few nuclear fragments carry the energy of hadronic showers.
HADRON_READOUT = Readout(spot_mev=30.0, conserved=True)
PION_MASS_MEV = 139.57
# Our choice: the axis passes through the middle of the wide window at this depth, about the shower maximum.
WINDOW_DEPTH_MM = 42.5


def lhcb_showers_mev(incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Electrons of shape (n,), MeV, with (px, py, pz, x, y), GeV and cm: showers of shape (n, 900), MeV."""
    px, py, pz, x_cm, y_cm = attributes.T
    axes = Axes(10 * np.stack([x_cm, y_cm]), np.stack([px, py]) / pz)
    components = _electrons(incident_mev, axes, LHCB_STACK, rng)
    return cell_showers_mev(components, axes, LHCB_STACK, LHCB, LHCB_READOUT, rng)


def calogan_showers_mev(incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Positrons of shape (n,), MeV, with (theta, phi, x0, y0), rad and mm: showers of shape (n, 504), MeV."""
    axes = calogan_axes(attributes)
    components = _electrons(incident_mev, axes, CALOGAN_STACK, rng, CALOGAN_START_X0)
    return cell_showers_mev(components, axes, CALOGAN_STACK, CALOGAN, CALOGAN_READOUT, rng)


def calogan_gamma_showers_mev(incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """As :func:`calogan_showers_mev`, for photons: they convert first."""
    axes = calogan_axes(attributes)
    components = photon_components(incident_mev, CALOGAN_STACK, rng, axes.stretch, CALOGAN_START_X0)
    return cell_showers_mev(components, axes, CALOGAN_STACK, CALOGAN, CALOGAN_READOUT, rng)


def calogan_piplus_showers_mev(
    incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """As :func:`calogan_showers_mev`, for charged pions of that kinetic energy.

    Their showers develop in depth as at normal incidence, along the inclined axis.
    """
    axes = calogan_axes(attributes)
    momentum_mev = np.sqrt(incident_mev * (incident_mev + 2 * PION_MASS_MEV))
    electromagnetic, hadronic = pion_components(momentum_mev, incident_mev, CALOGAN_STACK, rng)
    showers = cell_showers_mev(electromagnetic, axes, CALOGAN_STACK, CALOGAN, CALOGAN_READOUT, rng)
    return showers + cell_showers_mev(hadronic, axes, CALOGAN_STACK, CALOGAN, HADRON_READOUT, rng)


def calogan_axes(attributes: np.ndarray) -> Axes:
    """Axes from (theta, phi, x0, y0): theta = arccos(py / p), phi = arctan(-px / pz)."""
    theta, phi, x0, y0 = attributes.T
    return Axes(np.stack([x0, y0]), np.stack([-np.tan(phi), 1 / (np.tan(theta) * np.cos(phi))]))


def clic_showers_mev(incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Electrons of shape (n,), MeV, perpendicular to the central cell: showers of shape (n, 15625), MeV."""
    point_mm = _in_central_cell(len(incident_mev), rng)
    axes = Axes(point_mm, np.zeros_like(point_mm))
    components = _electrons(incident_mev, axes, CLIC_STACK, rng)
    return cell_showers_mev(components, axes, CLIC_STACK, CLIC, CLIC_READOUT, rng)


def ilc_showers_mev(incident_mev: np.ndarray, _attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photons of shape (n,), MeV, perpendicular at one point: showers of shape (n, 27000), MeV."""
    point_mm = np.tile(np.array(ILC_POINT_MM)[:, None], len(incident_mev))
    axes = Axes(point_mm, np.zeros_like(point_mm))
    components = photon_components(incident_mev, ILC_STACK, rng, axes.stretch)
    return cell_showers_mev(components, axes, ILC_STACK, ILC, ILC_READOUT, rng)


def clic_angle_showers_mev(incident_mev: np.ndarray, attributes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Electrons of shape (n,), MeV, with the polar angle theta in rad: showers of shape (n, 65025), MeV.

    They are inclined along y, dy/dz = cot(theta).
    """
    slope = np.stack([np.zeros(len(incident_mev)), 1 / np.tan(attributes[:, 0])])
    axes = Axes(_in_central_cell(len(incident_mev), rng) - WINDOW_DEPTH_MM * slope, slope)
    components = _electrons(incident_mev, axes, CLIC_STACK, rng)
    return cell_showers_mev(components, axes, CLIC_STACK, CLIC_ANGLE, CLIC_READOUT, rng)


def _in_central_cell(n: int, rng: np.random.Generator) -> np.ndarray:
    half_mm = CLIC.layers[0].row_mm / 2
    return rng.uniform(-half_mm, half_mm, (2, n))


def _electrons(
    incident_mev: np.ndarray, axes: Axes, stack: Stack, rng: np.random.Generator, start_x0: float = 0.0
) -> list[Component]:
    return electron_components(incident_mev, np.full(len(incident_mev), start_x0), stack, rng, axes.stretch)
