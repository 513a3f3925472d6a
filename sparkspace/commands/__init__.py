"""One short module per command: ``run(name, args, env) -> exit code``."""
