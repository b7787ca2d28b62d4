"""What the operator runs: the nightly run, backups and restores, checks of keys and servers."""
