"""Settings of CaloFlow: the two flows of a teacher, and the student."""
