"""Virtual numbers: slots, leases and providers."""
