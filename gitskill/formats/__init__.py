"""Readers of the logs that agents and harnesses write: one module each, listed in `table.py`."""
