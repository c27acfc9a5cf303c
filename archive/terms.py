"""The words by which patients and studies are found. Written at ingest, asked by ``archive.query``.

A word of a query finds whatever has a term that begins with it. So a term is stored for each place
where a person may start to type: every part of the name in every script, the ID, the accession
number, every word of the description and, because Chinese is written without spaces, every
character of a Chinese word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from typing import Final

from pypinyin import lazy_pinyin

from archive.dicom.names import PersonName, fold, split_hanzi
from archive.dicom.names import terms as name_terms
from archive.dicom.surnames import SURNAME_READINGS
from archive.models import Patient, Study

TERM_LENGTH: Final = 128  # PatientTerm.term, StudyTerm.term
WORD_MARK: Final = "\x1f"  # no text of a data set keeps control characters
SORT_LENGTH: Final = 64  # Study.sort_name, Study.sort_id
MOST_TERMS: Final = 64  # a description of ten pages must not fill the index
QUERY_WORDS: Final = 6

_SEPARATORS: Final = re.compile(r"[\s^=,;，；、。]+")
_PARTS: Final = re.compile(r"[^\W_]+")
_HAN_RUN: Final = re.compile(r"[㐀-䶿一-鿿豈-﫿\U00020000-\U0003134f]+")


def patient_terms(patient: Patient) -> set[str]:
    """Return the terms that find this patient: the name in all groups, pinyin, initials, and the ID."""
    name = PersonName(patient.name_alphabetic, patient.name_ideographic, patient.name_phonetic)
    found = {*name_terms(name), *_identifier(patient.patient_id)}
    return {term[:TERM_LENGTH] for term in found if term}


def study_terms(study: Study) -> set[str]:
    """Return the terms that find this study: accession number, study ID, words of the description."""
    found = {*_identifier(study.accession_number), *_identifier(study.study_id)}
    found.update(islice(_words(study.description), MOST_TERMS))
    return {term[:TERM_LENGTH] for term in found if term}


def patient_columns(patient: Patient) -> dict[str, str]:
    """Return what ``Study`` repeats of its patient, so that a list is read in order and tested row by row.

    A Chinese name sorts by its pinyin, among the Latin ones. Write these columns whenever a study gets a
    patient, or its patient a name.
    """
    name = patient.name_alphabetic or _pinyin(patient.name_ideographic) or patient.name_phonetic
    return {
        "sort_name": fold(name.replace("^", " "))[:SORT_LENGTH].rstrip(),
        "sort_id": patient.patient_id[:SORT_LENGTH],
        "patient_words": words_text(patient_terms(patient)),
    }


def words_text(terms: Iterable[str]) -> str:
    """Return terms as one text, each behind ``WORD_MARK``: what follows a mark begins a term."""
    return "".join(f"{WORD_MARK}{term}" for term in sorted(terms))


def _pinyin(group: str) -> str:
    """A Chinese name in Latin letters, surnames as surnames are read (曾 Zeng, 单 Shan)."""
    components = [component for component in group.split("^")[:2] if component.strip()]
    family, given = components if len(components) == 2 else split_hanzi("".join(components))
    reading = SURNAME_READINGS.get(family) or lazy_pinyin(family)
    return f"{''.join(reading)} {''.join(lazy_pinyin(given))}".strip()


def query_words(text: str) -> tuple[str, ...]:
    """Return the words of a search as they are compared with terms: folded, each once, in order."""
    words = (fold(word)[:TERM_LENGTH] for word in _SEPARATORS.split(text.replace("\0", "")))
    return tuple(islice(dict.fromkeys(word for word in words if word), QUERY_WORDS))


def _identifier(text: str) -> set[str]:
    """An ID as it is and, because people leave them out, without leading zeros."""
    folded = "".join(fold(text).split())
    return {folded, folded.lstrip("0")}


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in _SEPARATORS.split(text):
        folded = fold(word)
        found.append(folded)
        found.extend(part for part in _PARTS.findall(folded) if part != folded)
        for run in _HAN_RUN.findall(folded):
            found.extend(run[start:] for start in range(len(run)))
    return list(dict.fromkeys(found))
