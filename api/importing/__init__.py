"""The files merchants have: read as they are, understood or asked about, and written again without personal data."""
