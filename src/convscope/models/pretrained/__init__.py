"""Weights that others trained: their names, where they are, how they become ours."""
