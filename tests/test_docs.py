"""The guides name what stands on the screen, and every document leads to pages that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = [*sorted(ROOT.glob("docs/**/*.md")), ROOT / "README.md"]
PRESSED = re.compile(r"(?:按|点|勾上|选) ?\*\*([^*…\n：]+?)(?: …[^*]*)?\*\*")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
SOURCES = ("templates/**/*.html", "tasks/**/*.py", "farmland/**/*.py", "subsidies/**/*.py")


def pressed(name: str) -> list[str]:
    return PRESSED.findall((ROOT / "docs" / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize("guide", ["guide-official.md", "guide-village.md"])
def test_what_a_guide_tells_to_press_is_on_the_screen(guide):
    said = "\n".join(path.read_text(encoding="utf-8") for one in SOURCES for path in ROOT.glob(one))
    names = pressed(guide)

    assert len(names) > 5
    assert [name for name in names if name not in said] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_of_a_document_lead_somewhere(path):
    targets = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "…" not in link]

    assert [link for link in targets if not (path.parent / link).exists()] == []


def test_every_decision_is_in_the_list():
    listed = (ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8")
    pages = [path.name for path in (ROOT / "docs" / "adr").glob("0*.md")]

    assert len(pages) > 10
    assert [page for page in pages if f"({page})" not in listed] == []
