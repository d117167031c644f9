"""Recipes of training from scratch: what papers print, and what learns on few pictures."""
