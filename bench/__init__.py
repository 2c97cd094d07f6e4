"""Benchmarks: `python bench/run.py` prints one table of ratios against limits measured in the same run."""
