"""What is served, and by whom: models, servers and the places where servers run."""
