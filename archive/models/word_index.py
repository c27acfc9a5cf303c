"""SQLite's own indexes for searches: of the words of studies, and of the names of patients.

The index of words tells which studies have a term that begins so, as lists that can be intersected.

The words of a study and of its patient stand in ``Study`` already (``archive.terms``). From there triggers
carry them into a full-text table, in the transaction that writes the study: work per study, none per image.
The table keeps no text of its own, and rejected studies are not in it.

The names are read whole when a part of one is asked for: an index of nothing else is the least to read.
PostgreSQL has neither: its B-tree takes no long name.

``word_index_ensure`` runs after every ``migrate`` and may run again: SQLite drops a table's triggers whenever
a migration rebuilds the table, and what was written without them is then read in anew.
"""

from __future__ import annotations

from typing import Final

from django.db import connections, transaction

TABLE: Final = "archive_studywords"
STUDIES: Final = "archive_study"

_NAMES: Final = "CREATE INDEX IF NOT EXISTS patient_by_folded_name ON archive_patient (name_folded)"
# Every category of characters but control characters, of which WORD_MARK is one, belongs to words. Beginnings
# of up to five characters, those of the common words, have lists of their own.
_CREATE: Final = f"""CREATE VIRTUAL TABLE {TABLE} USING fts5(patient, study, content='', detail=column,
    columnsize=0, prefix='1 2 3 4 5',
    tokenize="unicode61 remove_diacritics 0 categories 'L* N* P* S* M* Z* Co Cn Cf Cs'")"""
# Merging its pieces less often halves what a new study pays; a search reads a few pieces more.
_MERGE: Final = f"INSERT INTO {TABLE} ({TABLE}, rank) VALUES ('automerge', 8)"  # noqa: S608
_FILL: Final = f"""INSERT INTO {TABLE} (rowid, patient, study)
    SELECT id, patient_words, study_words FROM {STUDIES} WHERE rejected_at IS NULL ORDER BY id"""  # noqa: S608
_PUT: Final = f"""INSERT INTO {TABLE} (rowid, patient, study)
    SELECT NEW.id, NEW.patient_words, NEW.study_words WHERE NEW.rejected_at IS NULL;"""
_TAKE: Final = f"""INSERT INTO {TABLE} ({TABLE}, rowid, patient, study)
    SELECT 'delete', OLD.id, OLD.patient_words, OLD.study_words WHERE OLD.rejected_at IS NULL;"""
_TRIGGERS: Final = {
    "study_words_put": f"AFTER INSERT ON {STUDIES} BEGIN {_PUT} END",
    "study_words_change": f"""AFTER UPDATE OF id, patient_words, study_words, rejected_at ON {STUDIES}
        WHEN (OLD.id, OLD.patient_words, OLD.study_words, OLD.rejected_at)
          IS NOT (NEW.id, NEW.patient_words, NEW.study_words, NEW.rejected_at)
        BEGIN {_TAKE} {_PUT} END""",
    "study_words_take": f"AFTER DELETE ON {STUDIES} BEGIN {_TAKE} END",
}


def word_index_ensure(using: str = "default") -> None:
    """Make the indexes and the triggers, unless they are there or the tables are not yet."""
    connection = connections[using]
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE tbl_name = %s", [STUDIES])
        there = {name for (name,) in cursor.fetchall()}
    if STUDIES not in there:
        return
    with connection.cursor() as cursor:
        cursor.execute(_NAMES)
    if there >= _TRIGGERS.keys():
        return
    with transaction.atomic(using=using), connection.cursor() as cursor:
        word_index_drop(using)
        for statement in (_CREATE, _MERGE, _FILL):
            cursor.execute(statement)
        for name, trigger in _TRIGGERS.items():
            cursor.execute(f"CREATE TRIGGER {name} {trigger}")


def word_index_drop(using: str = "default") -> None:
    """Take the index away: for whoever fills an archive by bulk and makes it again afterwards."""
    with connections[using].cursor() as cursor:
        for name in _TRIGGERS:
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
        cursor.execute(f"DROP TABLE IF EXISTS {TABLE}")
