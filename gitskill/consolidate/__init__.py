"""Lessons to a candidate: fold what is the same, find what clashes, join the rest in one octopus."""
