"""The doctor: watches a run and names its illness with the one change to try."""
