"""What runs in the cluster: the Spark processes, and what the master says about them."""
