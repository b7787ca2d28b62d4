"""Field encryption, key wrapping, label codes, keyed indexes and row MACs, as specified in FORMAT.md."""
