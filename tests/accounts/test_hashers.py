"""The product's password hasher, whatever the suite uses for made-up people."""

from farmland.accounts.hashers import Argon2Limited


def test_passwords_are_argon2id_with_19_mb_two_passes_one_lane():
    hasher = Argon2Limited()
    encoded = hasher.encode("一个很长的口令", hasher.salt())
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert hasher.verify("一个很长的口令", encoded)
    assert not hasher.verify("另一个口令", encoded)


def test_the_settings_name_it(settings):
    assert settings.PASSWORD_HASHERS[-1] == "farmland.accounts.hashers.Argon2Limited"
