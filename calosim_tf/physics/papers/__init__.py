"""Measurements of single papers, and the results that they print."""
