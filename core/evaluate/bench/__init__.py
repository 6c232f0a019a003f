"""The bench: several ways of decoding over many prompts, side by side."""
