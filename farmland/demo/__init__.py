"""Invented parcels and progress, so that every page shows something true to life. Deterministic, marked 演示数据.

Demo data never creates or changes a plan, statement, target, split or baseline; ``remove_demo`` leaves no trace.
"""
