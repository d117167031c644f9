"""The data passport: what is wrong with a set of pictures before anybody trains on it."""
