"""The engine beside its peers: run them with ``python -m benchmarks.NAME``."""
