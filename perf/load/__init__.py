"""How jobs are run: what one job does, and the pools of processes that run them."""
