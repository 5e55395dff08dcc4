"""From measured metrics and pictures to the report folder."""
