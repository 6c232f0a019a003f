"""A loaded model and a prompt become a stream of pass events."""
