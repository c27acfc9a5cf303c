"""What a rebuilt index keeps of the old one: primary keys, and what was decided about its rows.

Before the old rows go, ``rows_save`` writes down, in temporary tables, which file had which rows. Afterwards
``rows_restore`` gives the new rows the keys of the old ones that held the same files.
"""

from __future__ import annotations

from typing import Any, Final

from django.db import connection
from django.db.models import Field, Model

from archive.models import Instance, InstanceVariant, Patient, Series, Study

_SAVE: Final = (
    """CREATE TEMPORARY TABLE reindex_rows AS SELECT i.file_key, i.file_size, i.dataset_digest,
    i.file_digest, i.rejected_at, i.id AS instance_id, i.series_id, s.study_id, t.patient_id FROM
    archive_instance i JOIN archive_series s ON s.id = i.series_id JOIN archive_study t ON t.id =
    s.study_id""",
    """CREATE TEMPORARY TABLE reindex_variants AS SELECT file_key, file_size, dataset_digest, file_digest,
    id, resolved_at FROM archive_instancevariant""",
    """CREATE TEMPORARY TABLE reindex_studies AS
       SELECT id, rejected_at, rejection_reason FROM archive_study WHERE rejected_at IS NOT NULL""",
    "CREATE INDEX reindex_rows_file ON reindex_rows (file_key)",
    "CREATE INDEX reindex_variants_file ON reindex_variants (file_key)",
)
# From a new row to the old one with the same file: the way up from the instance, for each level.
_LEVELS: Final[tuple[tuple[type[Model], str, str], ...]] = (
    (Instance, "i.id", "instance_id"),
    (Series, "i.series_id", "series_id"),
    (Study, "s.study_id", "study_id"),
    (Patient, "t.patient_id", "patient_id"),
)
_DECIDED: Final = (
    """UPDATE archive_study SET
         rejected_at = (SELECT o.rejected_at FROM reindex_studies o WHERE o.id = archive_study.id),
         rejection_reason = (SELECT o.rejection_reason FROM reindex_studies o WHERE o.id = archive_study.id)
       WHERE id IN (SELECT id FROM reindex_studies)""",
    """UPDATE archive_instance SET
         rejected_at = (SELECT o.rejected_at FROM reindex_rows o WHERE o.file_key = archive_instance.file_key)
       WHERE file_key IN (SELECT file_key FROM reindex_rows WHERE rejected_at IS NOT NULL)""",
    """UPDATE archive_instancevariant SET resolved_at =
         (SELECT o.resolved_at FROM reindex_variants o WHERE o.file_key = archive_instancevariant.file_key)
       WHERE file_key IN (SELECT file_key FROM reindex_variants WHERE resolved_at IS NOT NULL)""",
)


def rows_save() -> int:
    """Write the old index down; return how many files it names."""
    with connection.cursor() as cursor:
        for table in ("reindex_rows", "reindex_variants", "reindex_studies"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
        for statement in _SAVE:
            cursor.execute(statement)
        cursor.execute("SELECT (SELECT count(*) FROM reindex_rows) + (SELECT count(*) FROM reindex_variants)")
        return int(cursor.fetchone()[0])


def digests_saved(key: str) -> tuple[int, str, str] | None:
    """Size and digests the old index had for a file: of the data set and of the whole."""
    with connection.cursor() as cursor:
        for table in ("reindex_rows", "reindex_variants"):
            cursor.execute(
                f"SELECT file_size, dataset_digest, file_digest FROM {table} WHERE file_key = %s",  # noqa: S608
                [key],
            )
            row = cursor.fetchone()
            if row is not None:
                return int(row[0]), str(row[1]), str(row[2])
    return None


def rows_restore() -> int:
    """Give the new rows their old keys; return how many of the old files are named again."""
    with connection.cursor() as cursor:
        for model, new, old in _LEVELS:
            _map_make(cursor, new, old)
            _rekey(cursor, model)
        _variants_map_make(cursor)
        _rekey(cursor, InstanceVariant)
        for statement in _DECIDED:
            cursor.execute(statement)
        _strangers_let_go(cursor)
        cursor.execute(
            "SELECT count(*) FROM (SELECT file_key FROM archive_instance"
            " UNION ALL SELECT file_key FROM archive_instancevariant) n WHERE n.file_key IN"
            " (SELECT file_key FROM reindex_rows UNION ALL SELECT file_key FROM reindex_variants)"
        )
        return int(cursor.fetchone()[0])


def _map_make(cursor: Any, new: str, old: str) -> None:
    """A table of (new key, old key), one to one: where files moved between rows, the lowest key wins."""
    cursor.execute("DROP TABLE IF EXISTS reindex_map")
    cursor.execute(
        "CREATE TEMPORARY TABLE reindex_map AS SELECT MIN(p.new_id) AS new_id, p.old_id FROM ("  # noqa: S608
        f" SELECT {new} AS new_id, MIN(o.{old}) AS old_id FROM archive_instance i"
        " JOIN archive_series s ON s.id = i.series_id JOIN archive_study t ON t.id = s.study_id"
        f" JOIN reindex_rows o ON o.file_key = i.file_key GROUP BY {new}) p GROUP BY p.old_id"
    )


def _variants_map_make(cursor: Any) -> None:
    cursor.execute("DROP TABLE IF EXISTS reindex_map")
    cursor.execute(
        "CREATE TEMPORARY TABLE reindex_map AS SELECT v.id AS new_id, o.id AS old_id"
        " FROM archive_instancevariant v JOIN reindex_variants o ON o.file_key = v.file_key"
    )


def _rekey(cursor: Any, model: type[Model]) -> None:
    """Change a table's primary keys as the map says, and every reference of the index to them."""
    cursor.execute("CREATE INDEX reindex_map_new ON reindex_map (new_id)")
    own = model._meta.pk
    assert own is not None
    columns: list[Field[Any, Any]] = [
        field for field in _references(model) if field.model._meta.app_label == "archive"
    ]
    for field in (*columns, own):
        table, column = field.model._meta.db_table, field.column
        cursor.execute(
            f"UPDATE {table} SET {column} ="  # noqa: S608
            f" (SELECT m.old_id FROM reindex_map m WHERE m.new_id = {table}.{column})"
            f" WHERE {column} IN (SELECT new_id FROM reindex_map)"
        )


def _references(model: type[Model]) -> list[Field[Any, Any]]:
    return [relation.field for relation in model._meta.related_objects]


def _strangers_let_go(cursor: Any) -> None:
    """Rows of other rooms that point at what is not there any more: cleared where they may be, else
    removed.
    """
    for model in (Study, Series, Instance, Patient):
        for field in _references(model):
            if field.model._meta.app_label == "archive":
                continue
            table, column = field.model._meta.db_table, field.column
            change = f"UPDATE {table} SET {column} = NULL" if field.null else f"DELETE FROM {table}"  # noqa: S608
            there = f"SELECT id FROM {model._meta.db_table}"  # noqa: S608
            cursor.execute(f"{change} WHERE {column} IS NOT NULL AND {column} NOT IN ({there})")
