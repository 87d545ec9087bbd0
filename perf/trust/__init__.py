"""How often the gate errs: its operating curve, from recorded runs and from live runs."""
