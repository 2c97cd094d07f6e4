"""推算费用: a policy's rates at the targets, by what is accepted or planned, or by typed areas. Writes nothing."""

from decimal import Decimal

from django.http import Http404
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from farmland.lib.numbers import parse_decimal
from farmland.places.models import Division
from subsidies.entitlements.simulate import SCENARIOS, Simulation, simulate
from subsidies.models import Program, RateVersion
from subsidies.rates import rate_words
from subsidies.views.common import money_page, sees_all_money, tabs
from tasks.models import TownYear

AREA = "a"  # a17=12.4 is the area of division 17


@money_page
@require_safe
def rate_simulate(request, town_year: TownYear):
    """``?program=&scenario=&version=&pool=&a17=12.4``; what is unknown or no number is told and left out."""
    if not sees_all_money(request.user, town_year):
        raise Http404
    programs = list(
        Program.objects.filter(town=town_year.town, year=town_year.year)
        .select_related("plan", "town")
        .order_by("order")
    )
    program = next((one for one in programs if str(one.pk) == request.GET.get("program")), None)
    program = program or (programs[0] if programs else None)
    asked = request.GET.get("scenario", "")
    scenario = asked if asked in SCENARIOS else "targets"
    villages = list(Division.objects.filter(parent=town_year.town).order_by("path"))
    typed, wrong = _typed(request.GET, villages)
    pool, bad_pool = _number(request.GET.get("pool", ""), places=2)
    drafts = _drafts(town_year)
    instead = next((one for one in drafts if str(one.pk) == request.GET.get("version")), None)
    program = instead.rate.program if instead else program
    page = {
        "town_year": town_year,
        "tabs": tabs(request, town_year),
        "programs": programs,
        "program": program,
        "scenarios": list(SCENARIOS.items()),
        "scenario": scenario,
        "scenario_name": SCENARIOS[scenario],
        "villages": [(one, f"{AREA}{one.pk}", request.GET.get(f"{AREA}{one.pk}", "")) for one in villages],
        "pool": request.GET.get("pool", ""),
        "drafts": drafts,
        "instead": instead,
        "wrong": wrong + ([f"资金总额：{bad_pool}"] if bad_pool else []),
    }
    if program and not page["wrong"]:
        found = simulate(program, scenario, town_year.today(), typed=typed, instead=instead, pool=pool)
        page |= {"found": found, "rates": _rates(found), "table": _table(found, town_year, villages)}
    return render(request, "subsidies/rate_simulate.html", page, status=400 if page["wrong"] else 200)


def _drafts(town_year: TownYear) -> list[RateVersion]:
    rows = RateVersion.objects.filter(town=town_year.town, rate__year=town_year.year, state="draft")
    return list(rows.select_related("rate__program__plan", "rate__program__town").order_by("rate", "number"))


def _typed(asked, villages: list[Division]) -> tuple[dict[int, Decimal], list[str]]:
    typed, wrong = {}, []
    for one in villages:
        number, bad = _number(asked.get(f"{AREA}{one.pk}", ""), places=4)
        if bad:
            wrong.append(f"{one}：{bad}")
        elif number:
            typed[one.pk] = number
    return typed, wrong


def _number(text: str, places: int) -> tuple[Decimal | None, str]:
    try:
        return parse_decimal(text, places=places, minimum=0), ""
    except ValueError as error:
        return None, str(error)


def _rates(found: Simulation) -> list[dict]:
    return [
        {
            "cost": one,
            "price": rate_words.short(one.rule),
            "area": sum((village.area for village in one.villages), Decimal(0)),
            "total": one.chosen * one.years,
            "readings": [(name, total, name == one.rule.chosen) for name, total in one.totals.items() if name],
        }
        for one in found.rates
    ]


def _table(found: Simulation, town_year: TownYear, villages: list[Division]) -> list[dict]:
    """Every village with what each rate gives it in a year, and the two sides of its cliff."""
    cliffs = {one.division: one for one in found.cliffs}
    places = [*villages, town_year.town]
    amounts = [{one.division: one for one in cost.villages} for cost in found.rates]
    rows = []
    for place in places:
        here = [one.get(place.pk) for one in amounts]
        if any(here) or place.pk in cliffs:
            cells = [
                {"amount": one.amounts[cost.rule.chosen], "reason": one.reason} if one else None
                for one, cost in zip(here, found.rates, strict=True)
            ]
            rows.append({"place": place, "cells": cells, "cliff": cliffs.get(place.pk)})
    return rows


urls = [path("<slug:town>/<int:year>/subsidies/rates/simulate/", rate_simulate, name="rate_simulate")]
