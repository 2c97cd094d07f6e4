"""Every page that can be looked at, found in the address table itself, so that a new page is measured too."""

import uuid

from django.urls import URLPattern, get_resolver, reverse

from farmland.accounts.models import User
from farmland.jobs.models import Job
from farmland.places.models import Division
from parcels.models import Inspection, Parcel, Proposal, Step, Work
from subsidies.models import Batch, Calculation, Claim, Entitlement, Payee, Rate, Round
from tasks.models import Clue, Finding, Issue, Submission, TownYear

# answers that are files, not pages
FILES = (
    "phone_worker", "form_blank", "parcel_import_template", "proposal_consent", "meeting_minutes", "ledger_export",
    "inspection_xlsx",
    "inspection_docx", "inspection_signed", "evidence_shown", "evidence_thumbnail", "evidence_original",
    "claim_blank", "batch_file", "batch_payment_xlsx", "batch_payment_docx", "batch_statement_xlsx",
    "batch_statement_docx", "batch_publicity_xlsx", "batch_publicity_docx", "batch_application_xlsx",
    "batch_application_docx", "audit_money_csv", "audit_money_xlsx",
)  # fmt: skip
POST_ONLY = (
    "logout", "plan_recheck", "finding_waive", "finding_withdraw", "parcel_import_confirm", "form_upload",
    "form_confirm", "submission_take_back", "user_reset", "user_disable", "acceptance_create", "issue_decide",
    "issue_done", "issue_accept", "issue_return", "issue_close", "issue_reopen", "issue_deliberate",
    "issue_permit", "permit_settle", "parcel_bulk", "parcel_bulk_confirm", "parcel_settle", "proposal_move",
    "proposal_approve", "issue_bulk", "ledger_import_confirm", "clue_dismiss", "clue_duplicate",
    "referral_create", "referral_answer", "inspection_create", "inspection_fill", "inspection_draw",
    "inspection_adopt", "inspection_confirm", "inspection_cancel", "parcel_evidence_add", "parcel_outcome",
    "parcel_stage", "evidence_withdraw", "rate_publish", "rate_withdraw", "rate_choose", "calculation_create",
    "calculation_apply", "calculation_discard", "calculation_rule", "claim_open", "claim_declare",
    "claim_declare_rest", "claim_withdraw", "claim_verify", "claim_verify_many", "claim_upload", "claim_confirm",
    "batch_rows", "batch_assign", "batch_settle", "batch_review", "batch_send_back", "batch_publish",
    "batch_approve", "batch_pay", "batch_reconcile", "batch_void", "batch_photo", "batch_paper", "batch_object",
    "batch_answer", "batch_fail", "batch_reissue", "batch_fund_add", "batch_rebook", "payee_confirm",
    "payee_refuse", "payee_retire", "payee_reveal", "division_merge", "division_rename", "layer_confirm",
    "layer_remove", "audit_money_check", "inspection_sheet_confirm",
)  # fmt: skip
# shown only while a file waits
NEED_A_FILE = (
    "parcel_import_preview", "parcel_import_columns", "form_preview", "ledger_import_preview", "claim_preview",
    "layer_preview",
)  # fmt: skip
PARCEL_PAGES = (
    "parcel_detail", "parcel_boundary", "parcel_overlaps", "parcel_edit", "parcel_verify", "parcel_move",
    "work_create", "parcel_evidence", "phone_parcel", "parcel_money",
)  # fmt: skip
ISSUE_PAGES = ("issue_detail", "issue_edit", "issue_photos", "phone_issue")
WORK_PAGES = (
    "work_change", "work_move", "work_exit", "work_substitute", "work_reopen", "work_relapse",
)  # fmt: skip
OTHER = ("healthz", "schema", "api_docs", None)


def patterns(found, prefix: str = "") -> list[tuple[str, list[str]]]:
    """(name, names of the address's parts) of every page; REST doors are left out."""
    rows = []
    for one in found:
        if isinstance(one, URLPattern):
            rows.append((one.name, list(one.pattern.converters)))
        elif str(one.pattern) != "api/":
            rows += patterns(one.url_patterns)
    return rows


def keys(town_year: TownYear, village: Division, user: User) -> dict[str, object]:
    """What stands for ``pk`` in each page's address: the first row there is."""
    town, year = town_year.town, town_year.year
    parcels = Parcel.objects.filter(town=town, year=year, division=village)
    works = Work.objects.filter(town=town, parcel__year=year, division=village)
    first = {
        **dict.fromkeys(PARCEL_PAGES, parcels),
        **dict.fromkeys(WORK_PAGES, works),
        "proposal_detail": Proposal.objects.filter(town=town, year=year),
        "parcel_glance": parcels,
        **dict.fromkeys(ISSUE_PAGES, Issue.objects.filter(town=town, year=year, division=village)),
        "clue_detail": Clue.objects.filter(town=town, year=year),
        "submission_detail": Submission.objects.filter(town=town, year=year),
        "submission_progress": Submission.objects.filter(town=town, year=year),
        "acceptance_reverse": Step.objects.filter(town=town, by__isnull=False, verdict="passed"),
        "acceptance_figure": Step.objects.filter(town=town, by__isnull=False, verdict="passed"),
        **dict.fromkeys(
            ("inspection_detail", "inspection_edit", "inspection_figure"), Inspection.objects.filter(town=town)
        ),
        "inspection_sheet": Inspection.objects.filter(town=town, state="draft"),
        **dict.fromkeys(("rate_detail", "rate_draft"), Rate.objects.filter(town=town, year=year)),
        "calculation_detail": Calculation.objects.filter(town=town),
        "calculation_rulings": Round.objects.filter(town=town, program__year=year, is_yearly=False),
        "calculation_facts": Round.objects.filter(town=town, program__year=year, is_yearly=False),
        "entitlement_detail": Entitlement.objects.filter(town=town, division=village),
        "batch_adjust": Entitlement.objects.filter(town=town, division=village),
        "batch_detail": Batch.objects.filter(town=town),
        "payee_detail": Payee.objects.filter(town=town, division=village),
        "claim_detail": Claim.objects.filter(town=town, division=village),
        "job_detail": Job.objects.filter(town=town),
        "finding_detail": Finding.objects.filter(town=town),
        "user_detail": User.objects.filter(pk=user.pk),
    }
    return {name: rows.order_by("pk").values_list("pk", flat=True).first() for name, rows in first.items()}


def addresses(town_year: TownYear, village: Division, user: User) -> dict[str, str]:
    """name → address of every page that a GET shows, for this town, year and village."""
    at = keys(town_year, village, user)
    left_out = {*FILES, *POST_ONLY, *NEED_A_FILE, *OTHER}
    found = {}
    for name, parts in patterns(get_resolver().url_patterns):
        if name in left_out:
            continue
        facts = {"town": town_year.town.slug, "year": town_year.year, "code": village.code}
        facts["pk"] = at.get(name) or uuid.UUID(int=0)
        found[name] = reverse(name, kwargs={part: facts[part] for part in parts})
    return found
