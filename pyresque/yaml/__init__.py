"""YAML files that a team shares with its Ruby side, read as Psych reads them."""
