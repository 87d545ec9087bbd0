"""Models, the engines that compute them, servers, and the places where servers run."""
