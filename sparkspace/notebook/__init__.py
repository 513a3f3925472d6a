"""JupyterLab as a dyno of the cluster: what it is started with, whom it lets in, and its kernel's description.

What runs inside a kernel is in ``code/``: it imports pyspark.
"""
