"""Secrets and personal data taken out of what agents and tools wrote, before anything of it is stored."""
