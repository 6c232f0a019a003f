"""What is on disk and how it is loaded: models, adapters, mask rows."""
