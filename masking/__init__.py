"""Replace a recipient's personal data by a masked view, a virtual number and a token."""
