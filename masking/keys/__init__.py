"""The key store: keys and wraps, their lifecycle, and the root that opens them."""
