"""The land: kinds of work and their ladders, parcels and lists, works and the steps they take. Facts, no duties."""

from parcels.models.evidence import Evidence, EvidenceOutcome
from parcels.models.inspection import Inspection, InspectionItem
from parcels.models.kinds import Kind, Ladder, LadderChoice, Rung, ladder_of
from parcels.models.parcel import InScope, Listing, Parcel, ParcelList
from parcels.models.proposal import Proposal
from parcels.models.shape import ImportTemplate, Overlap, Shape
from parcels.models.work import Step, StepQuerySet, Work

__all__ = [
    "Evidence",
    "EvidenceOutcome",
    "ImportTemplate",
    "InScope",
    "Inspection",
    "InspectionItem",
    "Kind",
    "Ladder",
    "LadderChoice",
    "Listing",
    "Overlap",
    "Parcel",
    "ParcelList",
    "Proposal",
    "Rung",
    "Shape",
    "Step",
    "StepQuerySet",
    "Work",
    "ladder_of",
]
