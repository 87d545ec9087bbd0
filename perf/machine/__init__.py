"""What the machine is, and what it and the processes on it do while jobs run."""
