"""The pools that run jobs, each in processes of its own."""
