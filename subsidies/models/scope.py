"""The one door to the money: rows of divisions in which a grant's role may ``read_money``."""

from django.db import models


class MoneyOfDivision(models.QuerySet):
    """Rows that carry a division: a village sees its own, the town's officials, finance and discipline the town's."""

    def visible_to(self, user):
        return self.filter(division__in=user.divisions_for("read_money"))

    def of_year(self, town, year):
        return self.filter(town=town, year=year)


class MoneyOfTown(models.QuerySet):
    """Rows of a town as a whole: seen by who may read the money of the whole town, not by a single village."""

    def visible_to(self, user):
        return self.filter(town__in=user.divisions_for("read_money").filter(is_tenant=True))
