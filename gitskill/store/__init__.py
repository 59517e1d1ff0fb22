"""Git, as far as we need it: the only package that imports pygit2 or starts the git program."""
