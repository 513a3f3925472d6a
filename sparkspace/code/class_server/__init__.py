"""The class server: what it serves, to whom, and what is pushed to it."""
