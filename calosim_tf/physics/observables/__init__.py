"""What is measured on showers, one number or a few per shower."""
