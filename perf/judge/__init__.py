"""From measured pairs to a verdict: the gate, baselines, and validity."""
