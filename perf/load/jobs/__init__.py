"""What one job does: one file for each kind of job.

A pool is given such a module by name. `perf.load.pools.forked` calls its `run`, and its
`prepare` if it has one; `perf.load.pools.standing` calls its `load`.
"""
