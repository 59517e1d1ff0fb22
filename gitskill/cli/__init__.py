"""The terminal: one file per command, each parsing, calling one function and printing."""
