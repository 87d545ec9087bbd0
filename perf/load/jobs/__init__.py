"""What one job does, one module for each kind of job."""
