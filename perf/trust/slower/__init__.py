"""What is put on the path of a server that is to be slower."""
