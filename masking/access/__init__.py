"""Access decisions: actors and credentials, device proofs, custody, duty, budgets, and detectors over the ledger."""
