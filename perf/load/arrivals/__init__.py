"""When the jobs of a block begin: one file for each arrival pattern."""
