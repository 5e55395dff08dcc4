"""Materials of the simulated calorimeters and what a shower sees of a stack of two of them (no TensorFlow).

Radiation lengths, interaction lengths, densities and minimum energy losses are those of the Particle Data Group's table
of atomic and nuclear properties.  Effective quantities of a sampling calorimeter follow G. Grindhammer and S. Peters,
hep-ex/0001020, section 3.1: weights by mass, critical energy 2.66 MeV (X0 Z / A)^1.1, Es = 21.2 MeV.
"""

from __future__ import annotations

from dataclasses import dataclass

# Scale of multiple scattering, MeV: Moliere radius = X0 Es / Ec.
SCATTERING_ENERGY_MEV = 21.2


@dataclass(frozen=True)
class Material:
    """A homogeneous material.

    Attributes
    ----------
    z, a : float
        Atomic number and mass (g/mol); averages for a compound.
    density_g_cm3 : float
    x0_g_cm2 : float
        Radiation length.
    lambda_g_cm2 : float
        Nuclear interaction length.
    loss_mev_cm2_g : float
        Energy loss of a minimum-ionising particle.
    """

    z: float
    a: float
    density_g_cm3: float
    x0_g_cm2: float
    lambda_g_cm2: float
    loss_mev_cm2_g: float

    @property
    def critical_energy_mev(self) -> float:
        """Energy at which an electron loses as much by collisions as by radiation (hep-ex/0001020)."""
        return 2.66 * (self.x0_g_cm2 * self.z / self.a) ** 1.1


LEAD = Material(82, 207.2, 11.35, 6.37, 199.6, 1.122)
LIQUID_ARGON = Material(18, 39.95, 1.396, 19.55, 119.7, 1.508)
ALUMINIUM = Material(13, 26.98, 2.699, 24.01, 107.2, 1.615)
IRON = Material(26, 55.845, 7.874, 13.84, 132.1, 1.451)
POLYSTYRENE = Material(3.5, 6.51, 1.06, 43.79, 81.7, 1.936)
TUNGSTEN = Material(74, 183.84, 19.3, 6.76, 191.9, 1.145)
SILICON = Material(14, 28.0855, 2.329, 21.82, 108.4, 1.664)
AIR = Material(7.3, 14.6, 1.205e-3, 36.62, 90.1, 1.815)

# Lead and tungsten calorimeters have 22 to 28 radiation lengths per interaction length, iron and scintillator 10.
MIN_X0_PER_LAMBDA = 15.0


@dataclass(frozen=True)
class Medium:
    """A stack of thin plates as one effective material; a single plate is the homogeneous case.

    Attributes
    ----------
    plates : tuple of (Material, float)
        Material and thickness in mm of the plates of one period, absorber first, active one last.
    """

    plates: tuple[tuple[Material, float], ...]

    @property
    def period_mm(self) -> float:
        return sum(thickness for _, thickness in self.plates)

    @property
    def period_g_cm2(self) -> float:
        return sum(material.density_g_cm3 * thickness / 10 for material, thickness in self.plates)

    def _mass_mean(self, quantity) -> float:
        parts = [(material.density_g_cm3 * thickness / 10, quantity(material)) for material, thickness in self.plates]
        return sum(mass * value for mass, value in parts) / self.period_g_cm2

    @property
    def z(self) -> float:
        return self._mass_mean(lambda material: material.z)

    @property
    def x0_mm(self) -> float:
        return self.period_mm / (self.period_g_cm2 * self._mass_mean(lambda material: 1 / material.x0_g_cm2))

    @property
    def lambda_mm(self) -> float:
        return self.period_mm / (self.period_g_cm2 * self._mass_mean(lambda material: 1 / material.lambda_g_cm2))

    @property
    def loss_mev_per_mm(self) -> float:
        """Energy loss of a minimum-ionising particle."""
        return self._mass_mean(lambda material: material.loss_mev_cm2_g) * self.period_g_cm2 / self.period_mm

    @property
    def critical_energy_mev(self) -> float:
        per_x0 = self._mass_mean(lambda material: material.critical_energy_mev / material.x0_g_cm2)
        return per_x0 / self._mass_mean(lambda material: 1 / material.x0_g_cm2)

    @property
    def moliere_mm(self) -> float:
        return SCATTERING_ENERGY_MEV * self.x0_mm / self.critical_energy_mev

    @property
    def electromagnetic(self) -> bool:
        """Whether it is built for electromagnetic showers: many radiation lengths per interaction length."""
        return self.lambda_mm / self.x0_mm > MIN_X0_PER_LAMBDA

    @property
    def sampling_frequency(self) -> float:
        """Periods per radiation length, F_S; infinite for a homogeneous medium."""
        return self.x0_mm / self.period_mm if len(self.plates) > 1 else float("inf")

    @property
    def e_over_mip(self) -> float:
        """Signal of electrons over that of minimum-ionising particles: 1 / (1 + 0.007 (Z_absorber - Z_active))."""
        if len(self.plates) == 1:
            return 1.0
        return 1 / (1 + 0.007 * (self.plates[0][0].z - self.plates[-1][0].z))


# The sampling structure of the EGSnrc samples in photon and CaloGAN layout.
LEAD_ARGON = Medium(((LEAD, 2.0), (LIQUID_ARGON, 4.0)))
# Those of the EGSnrc samples in LHCb and 3DGAN layout.
LEAD_SCINTILLATOR = Medium(((LEAD, 2.0), (POLYSTYRENE, 4.0)))
TUNGSTEN_SILICON = Medium(((TUNGSTEN, 2.8), (AIR, 1.7), (SILICON, 0.5)))
# Iron and scintillator about 5 : 1, as in the tile calorimeter behind (ATLAS, JINST 3 (2008) S08003, section 5.3).
IRON_SCINTILLATOR = Medium(((IRON, 14.0), (POLYSTYRENE, 3.0)))
DEAD_ALUMINIUM = Medium(((ALUMINIUM, 1.0),))
