"""How processes and devices share one training run."""
