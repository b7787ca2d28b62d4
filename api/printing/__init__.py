"""Print jobs: their order and progress on disk, and the connection to the printer."""
