"""Keys of their own: made once, kept closed, found again by name after a restore or a change."""

import threading

import pytest

from farmland.lib import keyring


@pytest.fixture(autouse=True)
def var(settings, tmp_path):
    settings.VAR = tmp_path
    return tmp_path


def test_a_key_is_made_once_and_only_its_owner_reads_it(var):
    first = keyring.ring("seal")

    assert keyring.ring("seal") == first
    assert (var / "keys" / "seal.key").stat().st_mode & 0o777 == 0o600
    assert keyring.ring("account") != first


def test_many_who_start_at_once_take_one_key():
    found, gate = [], threading.Barrier(8)

    def start():
        gate.wait()
        found.append(keyring.ring("seal")[0].ident)

    threads = [threading.Thread(target=start) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert len(found) == 8
    assert len(set(found)) == 1


def test_a_restored_key_joins_those_that_are_here(var):
    old = keyring.ring("seal")[0]
    text = (var / "keys" / "seal.key").read_text()
    (var / "keys" / "seal.key").unlink()
    new = keyring.ring("seal")[0]

    keyring.merge("seal", text)
    keyring.merge("seal", text)

    assert keyring.ring("seal") == [new, old]
    assert keyring.key_named("seal", old.ident) == old


def test_a_key_that_is_not_here_is_told_apart_from_a_broken_seal():
    with pytest.raises(keyring.KeyLost):
        keyring.key_named("seal", "00000000")


def test_a_key_shows_itself_nowhere():
    one = keyring.ring("seal")[0]

    assert one.secret.hex() not in repr(one) + one.ident
    assert one.derived("a") != one.derived("b")
