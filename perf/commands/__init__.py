"""Commands beside `pytest perf`: one in each module, run by a tox environment."""
