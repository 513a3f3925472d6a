"""The web process: nginx, and beside it the desk, which knows the cluster and answers for people."""
