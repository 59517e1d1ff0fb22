"""Version control for what agents know."""
