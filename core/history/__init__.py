"""Every answer and training run as a row in SQLite."""
