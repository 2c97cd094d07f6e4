"""What apps above this one show of a parcel. They add their sections in ``AppConfig.ready``: no import goes upward.

A section is a page of its own with the parcel's address (town, year, pk) that the parcel's page loads into itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

from farmland.accounts.models import User
from parcels.models import Parcel


@dataclass(frozen=True)
class Section:
    """``name`` of the URL, ``label`` of the link where no script runs, ``shown(user, parcel)``: whether it stands."""

    name: str
    label: str
    shown: Callable[[User, Parcel], bool]


_sections: list[Section] = []


def register_parcel_section(section: Section) -> None:
    if section not in _sections:
        _sections.append(section)


def sections_of(user: User, parcel: Parcel) -> list[Section]:
    return [one for one in _sections if one.shown(user, parcel)]
