"""Normalising flows of CaloFlow: masked networks with rational-quadratic splines, permutations, spaces of logits."""
