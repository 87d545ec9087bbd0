"""The model that is served: checkpoint, archive, preprocessing, reference predictions."""
