"""One module for the rows of each table, or of a few tables that change together."""
