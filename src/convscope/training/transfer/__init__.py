"""From borrowed weights to a model of one's own: a new head on a frozen network, or all of it fine-tuned."""
