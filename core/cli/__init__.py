"""The command line `stride`: one file to a command."""
