"""What was seen: leaves of the ledger, the tree that holds them, and the checkpoints that sign it (FORMAT.md 8 and 9).

Pure values and functions: rows are kept by `masking.vault.journal`.
"""
