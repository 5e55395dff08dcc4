"""Losses and schedules of the training step, one class per ``training.algorithm``."""
