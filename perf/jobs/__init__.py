"""The pool, one job, one completion record."""
