"""How good a model is, how sure one can be of that, and which pictures it gets wrong."""
