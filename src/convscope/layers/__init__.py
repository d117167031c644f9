"""Bricks of networks, and the arithmetic of their sizes and costs."""
