"""Pictures through a network, on the hardware at hand."""
