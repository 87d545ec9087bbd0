"""The history of results: a line for each scenario and run, and what it shows over time.

pytest-benchmark's storage does not hold it. Each file there is a baseline, so a nightly run
must not add one. It takes no run that is invalid, and no verdict that was settled side by
side. And it has every block: some 100 KiB a run, where a line here is 1 KiB.
"""
