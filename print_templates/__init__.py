"""Draw labels from masked data only: `LabelData` in, label bytes out."""
