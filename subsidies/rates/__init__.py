"""Rates as a plan writes them: versions with their days, rounds of a year, their words, and the plan check's C15."""
