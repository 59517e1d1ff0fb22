"""Asking a model: the only place that knows openai. Nothing is paid for twice, and every failure has a name."""
