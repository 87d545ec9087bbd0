"""The folder that is put on the PYTHONPATH of a server that should be slower."""
