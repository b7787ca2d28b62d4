"""Ledger leaves, the Merkle tree over them, signed checkpoints and certificates (FORMAT.md sections 8 to 10).

Pure values and functions. `masking.journal.journal` stores the rows.
"""
