"""Say what is here, what is missing, how noisy the machine is, and what to type next."""
