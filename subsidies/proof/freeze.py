"""What the database itself refuses, whoever asks: changes of rows that were approved, paid or published.

The same conditions are triggers on SQLite and PostgreSQL. They are put in place after every migration and taken away
before it (SQLite makes a table anew to change a column: its triggers would be lost), and a restore sets them aside.
Rows of the demo may be deleted, never changed, and no row turns into one of the demo.
"""

import hashlib
from dataclasses import dataclass

from django.db import connections, transaction

from subsidies.paying.batches import MOVES

PREFIX = "farmland_frozen_"
FROZEN = "('approved', 'paid', 'reconciled')"
VOIDED = "('voided')"
CLOSED = "('approved', 'paid', 'reconciled', 'voided')"


@dataclass(frozen=True)
class Rule:
    """``refused``: SQL over OLD and NEW that both databases read; where it is true, ``message`` is the answer."""

    table: str
    event: str  # INSERT, UPDATE, DELETE
    refused: str
    message: str

    @property
    def name(self) -> str:
        """With a digest of the rule: another rule has another name, so names tell whether the rules are in place."""
        text = f"{self.table} {self.event} {self.refused} {self.message}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        return f"{PREFIX}{self.table.removeprefix('subsidies_')}_{self.event.lower()}_{digest}"


def differs(*columns: str) -> str:
    return "(" + " OR ".join(f"OLD.{one} IS DISTINCT FROM NEW.{one}" for one in columns) + ")"


def batch_in(row: str, states: str) -> str:
    return f"EXISTS (SELECT 1 FROM subsidies_batch b WHERE b.id = {row}.batch_id AND b.state IN {states})"


LINE = "批次已批准，明细不能增加、修改或删除；更正请登记调整。"
BATCH = "批次已批准，金额、经办人和校验值不能修改或删除；更正请登记调整。"
OWED = "应补已列入批次，金额和依据不能修改或删除；更正请登记调整。"
LINE_FACTS = ("batch_id", "entitlement_id", "division_id", "payee_kind", "payee_id", "amount", "is_demo")
BATCH_FACTS = (
    "town_id", "program_id", "round_id", "year", "number", "total", "digest", "prepared_by_id", "prepared_at",
    "reviewed_by_id", "reviewed_at", "approved_by_id", "approved_at", "is_demo",
)  # fmt: skip
OWED_FACTS = (
    "division_id", "program_id", "rate_version_id", "rate_key", "round_id", "work_id", "claim_id", "subject",
    "base_mu", "amount", "parts", "sources", "explanation", "facts_digest", "adjusts_id", "is_demo",
)  # fmt: skip
VERSION_FACTS = (
    "rate_id", "number", "rule", "digest", "chosen", "valid_from", "published_by_id", "published_at", "is_demo",
)  # fmt: skip
PAYMENT_FACTS = ("line_id", "attempt", "payee_id", "amount", "is_demo")
PAYEE_FACTS = ("division_id", "kind", "name", "bank", "account", "tail", "fingerprint", "entered_by_id", "is_demo")
FUND_FACTS = ("program_id", "round_id", "source", "role", "amount", "batch_id", "is_demo")
LIVE_LINE = (
    "EXISTS (SELECT 1 FROM subsidies_batchline l JOIN subsidies_batch b ON b.id = l.batch_id"
    f" WHERE l.entitlement_id = OLD.id AND l.is_live AND b.state IN {FROZEN})"
)
NEXT_STATES = " AND ".join(
    ["OLD.state <> NEW.state"]
    + [f"NOT (OLD.state = '{one}' AND NEW.state = '{move.after}')" for move in MOVES.values() for one in move.before]
)
POSTED = (
    "batch_id", "number", "starts_on", "ends_on", "required_days", "counting", "place", "digest", "by_id", "at",
    "is_demo",
)  # fmt: skip
SAID = ("publicity_id", "who", "what", '"on"', "entered_by_id", "is_demo")
ANSWERED = ("state", "answer", "answered_by_id", "answered_at")
NOTICE = "公示和异议的记录不能修改或删除；有误的请退回批次，另行公示。"
RULED = ("round_id", "rate_key", "subject", "test", "holds", "reason", "by_id", "at", "is_demo")

RULES = (
    Rule("subsidies_batchline", "INSERT", batch_in("NEW", CLOSED), LINE),
    Rule(
        "subsidies_batchline",
        "UPDATE",
        f"{batch_in('OLD', FROZEN)} OR {batch_in('NEW', FROZEN)}"
        f" OR ({batch_in('OLD', VOIDED)} AND ({differs(*LINE_FACTS)} OR NEW.is_live))",
        LINE,
    ),
    Rule(
        "subsidies_batchline",
        "DELETE",
        f"NOT OLD.is_demo AND {batch_in('OLD', CLOSED)}",
        LINE,
    ),
    Rule(
        "subsidies_batch",
        "UPDATE",
        f"OLD.state IN {FROZEN} AND ({differs(*BATCH_FACTS)}"
        f" OR (OLD.state <> 'approved' AND {differs('paid_by_id', 'paid_at')})"
        f" OR (OLD.state = 'reconciled' AND {differs('reconciled_by_id', 'reconciled_at')}))"
        f" OR (OLD.state = 'voided' AND {differs('state', 'total', 'is_demo')})",
        BATCH,
    ),
    Rule("subsidies_batch", "UPDATE", NEXT_STATES, "批次须按编制、审核、公示、批准、支付、对账的次序办理，不能跳过。"),
    Rule("subsidies_batch", "DELETE", "NOT OLD.is_demo AND OLD.state <> 'draft'", BATCH),
    Rule(
        "subsidies_entitlement",
        "UPDATE",
        f"OLD.state IN ('batched', 'settled') AND ({differs(*OWED_FACTS)}"
        " OR NEW.state NOT IN ('due', 'batched', 'settled')"
        f" OR (OLD.state = 'settled' AND NEW.state <> 'settled' AND {LIVE_LINE}))",
        OWED,
    ),
    Rule(
        "subsidies_entitlement", "DELETE", "NOT OLD.is_demo AND OLD.state IN ('batched', 'settled')", OWED
    ),
    Rule(
        "subsidies_rateversion",
        "UPDATE",
        f"OLD.state <> 'draft' AND ({differs(*VERSION_FACTS)} OR NEW.state = 'draft')",
        "标准版本已发布，不能修改；请另发布新版本。",
    ),
    Rule(
        "subsidies_payment",
        "INSERT",
        "NOT EXISTS (SELECT 1 FROM subsidies_batchline l JOIN subsidies_batch b ON b.id = l.batch_id"
        " WHERE l.id = NEW.line_id AND l.amount = NEW.amount AND b.state = 'paid')",
        "只能按已支付批次的明细登记支付。",
    ),
    Rule(
        "subsidies_payment",
        "UPDATE",
        f"{differs(*PAYMENT_FACTS)} OR (OLD.result <> 'sent' AND {differs('result', 'reason', 'reference')})",
        "支付记录不能修改；退回的请重新支付。",
    ),
    Rule("subsidies_payment", "DELETE", "NOT OLD.is_demo", "支付记录不能删除。"),
    Rule("subsidies_payee", "UPDATE", differs(*PAYEE_FACTS), "收款账户不能修改，请登记新账户。"),
    Rule(
        "subsidies_publicity",
        "UPDATE",
        f"{differs(*POSTED)} OR (OLD.state = 'void' AND NEW.state <> 'void')"
        f" OR (OLD.posted_id IS NOT NULL AND {differs('posted_id')})"
        f" OR (OLD.taken_down_id IS NOT NULL AND {differs('taken_down_id')})",
        NOTICE,
    ),
    Rule("subsidies_publicity", "DELETE", "NOT OLD.is_demo", NOTICE),
    Rule(
        "subsidies_objection",
        "UPDATE",
        f"{differs(*SAID)} OR (OLD.state <> 'open' AND {differs(*ANSWERED)})",
        NOTICE,
    ),
    Rule("subsidies_objection", "DELETE", "NOT OLD.is_demo", NOTICE),
    Rule("subsidies_ruling", "UPDATE", differs(*RULED), "认定不能修改；情况有变的请另作认定。"),
    Rule("subsidies_ruling", "DELETE", "NOT OLD.is_demo", "认定不能删除；情况有变的请另作认定。"),
    Rule("subsidies_fund", "UPDATE", differs(*FUND_FACTS), "资金记录不能修改；更正请另登记一笔。"),
    Rule("subsidies_fund", "DELETE", "NOT OLD.is_demo", "资金记录不能删除；更正请另登记一笔。"),
)  # fmt: skip


def install(using: str = "default") -> None:
    """Put every rule in place; nothing is touched where they are."""
    if not missing(using):
        return
    connection = connections[using]
    with transaction.atomic(using=using):
        uninstall(using)
        with connection.cursor() as cursor:
            for rule in RULES:
                for statement in MAKE[connection.vendor](rule):
                    cursor.execute(statement)


def uninstall(using: str = "default") -> None:
    connection = connections[using]
    with connection.cursor() as cursor:
        for name in _names(cursor, connection.vendor):
            cursor.execute(REMOVE[connection.vendor].format(name))


def missing(using: str = "default") -> list[str]:
    """Names of rules that are not in place, and of old ones that are."""
    connection = connections[using]
    with connection.cursor() as cursor:
        return sorted({rule.name for rule in RULES} ^ set(_names(cursor, connection.vendor)))


def before_migrations(using, plan=(), **_) -> None:
    if plan:
        uninstall(using)


def after_migrations(using, **_) -> None:
    """Tables may be wanting: when migrations are undone, or only some apps are migrated."""
    if {rule.table for rule in RULES} <= set(connections[using].introspection.table_names()):
        install(using)


def _sqlite(rule: Rule) -> list[str]:
    return [
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW"
        f" WHEN {rule.refused.replace('IS DISTINCT FROM', 'IS NOT')}"  # SQLite knows the standard's words from 3.39
        f" BEGIN SELECT RAISE(ABORT, '{rule.message}'); END"
    ]


def _postgresql(rule: Rule) -> list[str]:
    row = "OLD" if rule.event == "DELETE" else "NEW"
    return [
        f"CREATE FUNCTION {rule.name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF {rule.refused} THEN"
        f" RAISE EXCEPTION '{rule.message}' USING ERRCODE = 'integrity_constraint_violation'; END IF;"
        f" RETURN {row}; END $$",
        f"CREATE TRIGGER {rule.name} BEFORE {rule.event} ON {rule.table} FOR EACH ROW EXECUTE FUNCTION {rule.name}()",
    ]


def _names(cursor, vendor: str) -> list[str]:
    cursor.execute(FIND[vendor])
    return [name for (name,) in cursor.fetchall() if name.startswith(PREFIX)]


MAKE = {"sqlite": _sqlite, "postgresql": _postgresql}
FIND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
    " WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace AND tgenabled = 'O'",
}
REMOVE = {"sqlite": "DROP TRIGGER {0}", "postgresql": "DROP FUNCTION {0}() CASCADE"}
