"""Analysts: a run goes in, drafts of lessons come out."""
