"""The metrics: named numbers that compare a generated with a reference sample."""
