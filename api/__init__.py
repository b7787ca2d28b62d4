"""HTTP, settings, wiring and the command line; no rule of the trade."""
