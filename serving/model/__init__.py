"""The model that is served: checkpoint, archive, preprocessing and reference predictions."""
