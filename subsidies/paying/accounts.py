"""账号: encrypted where it is kept, four figures where it is shown, whole only to a person who asks by name.

AES-256-GCM under a key file of its own; the payee's id is bound in, so that a ciphertext moved to another row does not
open. The fingerprint is a keyed hash: one account under two names shows, the figures do not.
"""

import hmac
import os
import re

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from farmland.lib.keyring import KeyLost, key_named, ring
from farmland.lib.numbers import narrow
from farmland.lib.refused import Refused
from subsidies.models import Payee

RING = "account"
NONCE, IDENT = 12, 8
SPACES = re.compile(r"[\s\-]+")
SHORTEST, LONGEST = 8, 32
HIDDEN = "••••"


def clean(text: str) -> str:
    """The figures of an account as typed, full-width digits and gaps allowed; Refused when it cannot be one."""
    account = SPACES.sub("", narrow(text or ""))
    if not account:
        raise Refused("请填账号。", field="account")
    if not re.fullmatch(r"[0-9]+", account):
        raise Refused("账号只能是数字，请核对。", field="account")  # the figures themselves are never repeated
    if not SHORTEST <= len(account) <= LONGEST:
        raise Refused(f"账号应为 {SHORTEST}–{LONGEST} 位数字，现为 {len(account)} 位，请核对。", field="account")
    return account


def encrypt(account: str, payee_id) -> bytes:
    key = ring(RING)[0]
    nonce = os.urandom(NONCE)
    sealed = AESGCM(key.derived("account 1")).encrypt(nonce, account.encode(), _bound(payee_id))
    return key.ident.encode() + nonce + sealed


def decrypt(payee: Payee) -> str:
    """The whole account. Call ``payees.reveal``, which leaves an event; nothing else may."""
    data = bytes(payee.account)
    ident, nonce, sealed = data[:IDENT], data[IDENT : IDENT + NONCE], data[IDENT + NONCE :]
    try:
        key = key_named(RING, ident.decode("ascii", "replace"))
        return AESGCM(key.derived("account 1")).decrypt(nonce, sealed, _bound(payee.pk)).decode()
    except KeyLost as error:
        raise Refused("账号的密钥不在 FARMLAND_VAR/keys/account.key 中，请从备份找回。", code="key") from error
    except InvalidTag as error:
        raise Refused("账号的密文被改动过，打不开，请停用后重新登记。", code="tampered") from error


def fingerprint(account: str, town_id) -> str:
    """The same for one account of a town; says nothing about it without the key.

    Always under the oldest key of the ring: a change of key must not make two rows of one account differ.
    """
    text = f"{town_id}:{account}".encode()
    return hmac.digest(ring(RING)[-1].derived("account fingerprint 1"), text, "sha256").hex()


def tail(account: str) -> str:
    return account[-4:]


def masked(payee: Payee | None) -> str:
    """尾号 for pages and sheets."""
    return f"{HIDDEN}{payee.tail}" if payee else "—"


def _bound(payee_id) -> bytes:
    return f"payee:{payee_id}".encode()
