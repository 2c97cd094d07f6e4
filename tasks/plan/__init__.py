"""A plan file (plans/<town>-<year>.yaml) as Python values, before anything is written. Format: docs/plan-format.md."""
