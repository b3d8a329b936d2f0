"""The steps of `python -m infra.package`: dependencies, pruning, bytecode, archives."""
