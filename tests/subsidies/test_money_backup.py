"""A backup carries paid batches and the keys they were sealed with; a restore puts both back, and the freeze."""

import pytest
from django.db import IntegrityError

from farmland.backup import write_backup
from farmland.lib import keyring
from farmland.restore import restore_backup
from subsidies.models import Batch, BatchLine, Payee
from subsidies.paying import accounts
from subsidies.proof import audit, freeze
from tests.subsidies.pay_world import World

pytestmark = pytest.mark.django_db(transaction=True)


def test_paid_money_comes_back_where_there_was_another_key(settings, tmp_path):
    settings.VAR, settings.MEDIA_ROOT = tmp_path / "var", tmp_path / "media"
    batch = World(demo=True).to("reconciled")
    numbers = {one.pk: accounts.decrypt(one) for one in Payee.objects.all()}
    manifest = write_backup(tmp_path / "money.tar")
    old = keyring.ring("seal")[0]
    settings.VAR = tmp_path / "new"
    new = keyring.ring("seal")[0]
    assert [one for one in audit.money()[1] if "密钥" in one]

    restore_backup(tmp_path / "money.tar", replace=True)

    assert manifest.keys == ["account.key", "seal.key"]
    assert keyring.ring("seal") == [new, old]
    assert (tmp_path / "new" / "keys" / "seal.key").stat().st_mode & 0o777 == 0o600
    assert audit.money()[1] == []
    assert {one.pk: accounts.decrypt(one) for one in Payee.objects.all()} == numbers
    assert freeze.missing() == []
    with pytest.raises(IntegrityError, match="明细不能"):
        BatchLine.objects.filter(batch=batch).update(is_live=False)
    assert Batch.objects.get().digest == batch.digest
