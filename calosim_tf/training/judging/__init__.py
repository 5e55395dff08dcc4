"""Judging a generator: the rule that chooses checkpoints, and the verdict at the end of a run."""
