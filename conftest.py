"""Names the suite's plugins, nothing else."""

pytest_plugins = ("fixtures.plugin", "fixtures.measuring")
