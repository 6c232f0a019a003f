"""The race: several ways of decoding one prompt, each measured alone."""
