"""The laptop's side of a push: what is in the files, and the way to the class server."""
