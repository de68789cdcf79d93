"""The version of pyresque; it stands in process titles, where Ruby workers look for `resque-<digit>`."""

__version__ = "0.1.0"
