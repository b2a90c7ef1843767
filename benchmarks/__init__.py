"""Scripts that measure, which anyone can run: `python -m benchmarks.NAME`."""
