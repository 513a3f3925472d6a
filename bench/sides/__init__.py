"""What the benchmarks have in common: the two sides, and how they take turns."""
