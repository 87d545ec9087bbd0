"""The model: checkpoint, archive, preprocessing, reference predictions, conversions."""
