"""The plan check (方案体检): what a plan file says, held against itself. One function per rule, one table of rules."""

from tasks.check import areas, figures, ledgers, timing, wording
from tasks.check.registry import RULES, Remark, register, run

__all__ = ["RULES", "Remark", "areas", "figures", "ledgers", "register", "run", "timing", "wording"]
