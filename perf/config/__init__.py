"""What a run is asked to do: the table of scenarios, the profiles, the settings."""
