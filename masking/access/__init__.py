"""Who may see what: duty and budget."""
