"""Pictures whose label is probably wrong: a ranked list, and what a person decides about each."""
