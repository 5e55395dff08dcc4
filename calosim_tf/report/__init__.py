"""From measured metrics and plots to the report folder."""
