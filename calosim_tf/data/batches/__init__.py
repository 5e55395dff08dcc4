"""Minibatches: in which order showers come, balanced over energies, turned by symmetries."""
