"""The common dictionary, read once per process."""

from functools import lru_cache

from django.conf import settings

from tasks.plan.dictionary import DictionaryDoc, load_dictionary


@lru_cache(maxsize=1)
def common_dictionary() -> DictionaryDoc:
    return load_dictionary(settings.BASE_DIR / "plans" / "dictionary.yaml")
