"""How jobs are run: one file for each pool."""
