"""How many proposed slots of a pass are kept: one file to a strategy."""
