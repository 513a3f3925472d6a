"""Coming and going: what a dyno does when the platform tells it to end, and how the cluster comes through it."""
