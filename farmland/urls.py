"""Every address of the product; pages in Chinese, REST below /api/v1/."""

from django.urls import path

urlpatterns: list[path] = []
