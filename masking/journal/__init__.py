"""The ledger's rows: how they are written, signed, verified and searched."""
