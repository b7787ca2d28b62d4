"""The data: one deployment's store, and what is loaded from it and written to it for a batch."""
