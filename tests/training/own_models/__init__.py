"""Models that a user might add, each whole in its own file."""
