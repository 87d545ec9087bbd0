"""Names the suite's plugin, nothing else."""

pytest_plugins = ("fixtures.plugin",)
