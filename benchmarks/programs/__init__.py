"""One module per program: see `benchmarks/__init__.py`."""
