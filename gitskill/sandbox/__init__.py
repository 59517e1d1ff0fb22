"""The only place where a command that a model proposed runs: bubblewrap, or nowhere."""
