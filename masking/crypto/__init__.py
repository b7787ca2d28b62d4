"""Sealing, wrapping, codes and indexes: the implementation of FORMAT.md."""
