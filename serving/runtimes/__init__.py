"""The places where a server runs: a local process or a container."""
