"""Distances of two samples, from arrays."""
