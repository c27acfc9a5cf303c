"""The Chinese catalogue: complete, certain, and faithful to what is filled in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation

from viewer.management.commands.compilecatalogue import catalogue_compile

CATALOGUE = Path(settings.LOCALE_PATHS[0]) / "zh_Hans" / "LC_MESSAGES" / "django.po"
PLACEHOLDER = re.compile(r"%%s|%\(\w+\)[sd]|(?<!%)%[sd]|\{\w+\}")


@pytest.fixture(scope="module")
def catalogue_file() -> polib.POFile:
    return polib.pofile(str(CATALOGUE))


def texts(entry: polib.POEntry) -> list[str]:
    return list(entry.msgstr_plural.values()) if entry.msgid_plural else [entry.msgstr]


def test_no_entry_is_empty_or_fuzzy(catalogue_file: polib.POFile) -> None:
    assert [entry.msgid for entry in catalogue_file if entry.fuzzy or not all(texts(entry))] == []


def test_what_is_filled_in_is_the_same_in_both_languages(catalogue_file: polib.POFile) -> None:
    wrong = [
        entry.msgid
        for entry in catalogue_file
        for text in texts(entry)
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(entry.msgid_plural or entry.msgid))
    ]
    assert wrong == []


def test_chinese_keeps_the_house_style(catalogue_file: polib.POFile) -> None:
    """No 您, no 请, full-width punctuation after hanzi, a space between hanzi and Latin letters or digits."""
    rules = [r"您|(^|[，。；])请(?!求)", r"[一-鿿][,;!?]", r"[一-鿿][A-Za-z0-9]", r"[A-Za-z0-9][一-鿿]", "！"]
    wrong = [
        text for entry in catalogue_file for text in texts(entry) for rule in rules if re.search(rule, text)
    ]
    assert wrong == []


def test_every_text_of_the_code_is_in_the_catalogue(tmp_path: Path, catalogue_file: polib.POFile) -> None:
    """What makemessages collects now is what was translated: nothing new, nothing gone."""
    assert shutil.which("xgettext"), "gettext is needed: make test installs it"
    copy = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".venv", ".git", "var", "tests", "*.mo", "__pycache__", "node_modules")
    shutil.copytree(settings.ROOT, copy, ignore=ignored)
    command = ["manage.py", "makemessages", "-l", "zh_Hans", "--no-obsolete", "--add-location", "file"]
    subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={"PATH": "/usr/bin:/bin", "PACS_DATA_DIR": str(tmp_path / "data")},
        check=True,
        capture_output=True,
    )
    fresh = polib.pofile(str(copy / CATALOGUE.relative_to(settings.ROOT)))
    keys = {(entry.msgctxt, entry.msgid) for entry in fresh}
    known = {(entry.msgctxt, entry.msgid) for entry in catalogue_file}
    assert keys - known == set()
    assert known - keys == set()


def test_catalogue_compiles_without_gettext(tmp_path: Path, settings: object) -> None:
    folder = tmp_path / "zh_Hans" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    source = folder / "django.po"
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "a"\nmsgstr "甲"\n'
    )
    settings.LOCALE_PATHS = [tmp_path]  # type: ignore[attr-defined]
    assert catalogue_compile() == [folder / "django.mo"]
    assert polib.mofile(str(folder / "django.mo")).find("a").msgstr == "甲"
    assert catalogue_compile() == []


def test_counting_and_words_arrive_in_chinese() -> None:
    with translation.override("zh-hans"):
        assert translation.gettext("Receiving") == "正在接收"
        assert translation.ngettext("%(words)s image", "%(words)s images", 3) % {"words": "3"} == "3 幅图像"
