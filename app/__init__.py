"""Stride's window: Qt only, over core's event streams."""
