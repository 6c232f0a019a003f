"""Checkable tasks, agreement with the base model, race and bench."""
