"""The seal of a batch (校验值): a keyed digest over every row, payee, amount and rate it pays.

The key is a file of its own (``farmland.lib.keyring``), so that nobody who can only write to the database can seal
what they changed, and a new SECRET_KEY breaks no seal. ``digest`` names its key: ``<8 signs>.<HMAC-SHA256>``.
"""

import base64
import hmac
import json

from farmland.lib.keyring import Key, KeyLost, key_named, ring
from subsidies.models import Batch, BatchLine

RING = "seal"
FIELDS = (
    "entitlement", "entitlement__division__code", "entitlement__subject", "entitlement__amount",
    "entitlement__base_mu", "entitlement__rate_version", "entitlement__rate_version__digest", "division__code",
    "payee_kind", "payee", "payee__name", "payee__bank", "payee__fingerprint", "amount",
)  # fmt: skip


def seal(batch: Batch) -> str:
    """What the batch's rows come to now, under the key in use."""
    return _under(ring(RING)[0], batch)


def holds(batch: Batch) -> bool:
    """Whether the rows are those that were sealed. KeyLost when the key is not here."""
    ident, _, _ = batch.digest.partition(".")
    return hmac.compare_digest(_under(key_named(RING, ident), batch), batch.digest)


def complaint(batch: Batch) -> str:
    """Why the seal does not hold, in Chinese; "" when it does."""
    if not batch.digest:
        return "没有校验值。"
    try:
        return "" if holds(batch) else "明细、收款账户、金额或标准与审核时的校验值不符，记录被改动。"
    except KeyLost:
        return f"校验密钥 {batch.digest[:8]} 不在 FARMLAND_VAR/keys/seal.key 中，无法核对，请从备份找回。"


def _under(key: Key, batch: Batch) -> str:
    code = hmac.digest(key.derived("batch seal 1"), canonical(batch).encode(), "sha256")
    return f"{key.ident}.{base64.urlsafe_b64encode(code).decode().rstrip('=')}"


def canonical(batch: Batch) -> str:
    """One text for one content: the same on either database, whatever the order of the rows."""
    lines = BatchLine.objects.filter(batch=batch.pk).values_list(*FIELDS)
    rows = sorted([_plain(value) for value in line] for line in lines)
    head = [_plain(value) for value in (batch.pk, batch.town_id, batch.program_id, batch.round_id, batch.number)]
    return json.dumps([head, _plain(batch.total), rows], ensure_ascii=False, separators=(",", ":"))


def _plain(value) -> str:
    return "" if value is None else format(value, "f") if hasattr(value, "as_tuple") else str(value)
