"""Jobs of labels on their way to a printer: their order, how far they came, and the wire."""
