"""What was seen: leaves, the Merkle tree over them, signed checkpoints. Pure."""
