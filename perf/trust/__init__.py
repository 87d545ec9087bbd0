"""How often the gate errs: its operating curve, from recorded and from live runs."""
