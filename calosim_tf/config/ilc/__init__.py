"""Settings of the generators of the ILD's electromagnetic calorimeter (Buhmann et al. 2021)."""
