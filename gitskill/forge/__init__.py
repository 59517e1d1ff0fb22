"""Pull requests on GitHub, GitLab, Gitea and Forgejo."""
