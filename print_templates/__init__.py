"""Draw labels from masked data alone: `LabelData` in, label bytes out."""
