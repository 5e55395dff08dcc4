"""Many generators as one: a table of particles and slices in eta, trained by Snakemake, judged and bundled."""
