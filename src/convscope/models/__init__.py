"""Networks, one file per paper, and the file that a trained one is kept in."""
