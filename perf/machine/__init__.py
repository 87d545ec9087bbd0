"""What the machine is and does: facts, processes, CPU and memory, interference."""
