"""Argon2id with 19 MB, two passes, at most two hashes at a time: a rush of logins must not take the machine."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

_two_at_a_time = threading.BoundedSemaphore(2)


class Argon2Limited(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password, salt):
        with _two_at_a_time:
            return super().encode(password, salt)

    def verify(self, password, encoded):
        with _two_at_a_time:
            return super().verify(password, encoded)
