"""A model and texts become a stream of training events and an adapter."""
