"""The money: policies and what they pay, who it goes to, what is owed and why, and the batches that pay it."""

from subsidies.models.batch import Batch, BatchLine, BatchPaper, Objection, Payment, Publicity
from subsidies.models.claim import Claim
from subsidies.models.entitlement import Calculation, Entitlement, Ruling
from subsidies.models.payee import Fund, Payee
from subsidies.models.program import Program, Rate, RateVersion, Round

__all__ = [
    "Batch",
    "BatchLine",
    "BatchPaper",
    "Calculation",
    "Claim",
    "Entitlement",
    "Fund",
    "Objection",
    "Payee",
    "Payment",
    "Program",
    "Publicity",
    "Rate",
    "RateVersion",
    "Round",
    "Ruling",
]
