"""Files of many kinds to rows, and a word on every file; light, and safe with foreign files."""
