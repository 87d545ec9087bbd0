"""What is typed beside `pytest perf`: one command a module, run by its tox environment."""
