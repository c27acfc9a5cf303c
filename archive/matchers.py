"""What a key asks (``archive.dicom.matching``) as a condition in the database.

Comparisons are bytewise on every database, whatever its collation. What peers send never becomes syntax of
a pattern: the special characters of each database are escaped, and DICOM itself has no escape.
"""

from __future__ import annotations

from typing import Any, Final

from django.db.models import CharField, Exists, F, Field, Func, IntegerField, Lookup, OuterRef, Q
from django.db.models.expressions import Combinable
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Concat
from django.db.models.lookups import In

from archive.dicom.attributes import Attribute, Kept
from archive.dicom.matching import Items, Key, Match, Moments, Numbers, Span, Texts
from archive.dicom.name_keys import GroupKey, NameKey
from archive.dicom.wildcards import Pattern, Wild
from archive.models import PatientTerm, SeriesRequest
from archive.query import Unindexed

TERM_LENGTH: Final = 128  # PatientTerm.term
_LIKE: Final = {Wild.ANY: "%", Wild.ONE: "_"}


class Fits(Lookup[Any]):
    """A column fits a ``Pattern``; case counts. GLOB on SQLite, whose LIKE ignores case."""

    lookup_name = "fits"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        column, params = self.process_lhs(compiler, connection)
        if connection.vendor == "sqlite":
            return f"({column} GLOB %s)", (*params, _glob(self.rhs))
        return f"({column} LIKE %s ESCAPE '\\')", (*params, _like(self.rhs))


class Within(Lookup[Any]):
    """A column is not empty and lies in a ``Span``."""

    lookup_name = "within"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[str | int, ...]]:
        least, less = ("~>=~", "~<~") if connection.vendor == "postgresql" else (">=", "<")
        column, params = self.process_lhs(compiler, connection)
        sql, given = f"{column} {least} %s", (*params, self.rhs.first or " ")
        if self.rhs.behind:
            sql, given = f"{sql} AND {column} {less} %s", (*given, *params, self.rhs.behind)
        return f"({sql})", given


Field.register_lookup(Fits)
Field.register_lookup(Within)


def _glob(pattern: Pattern) -> str:
    return "".join(token.value if isinstance(token, Wild) else _glob_text(token) for token in pattern.tokens)


def _glob_text(text: str) -> str:
    return "".join(f"[{character}]" if character in "*?[" else character for character in text)


def _like(pattern: Pattern) -> str:
    return "".join(_LIKE[token] if isinstance(token, Wild) else _like_text(token) for token in pattern.tokens)


def _like_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


# ---------------------------------------------------------------------- keys of any level


def key_condition(key: Key, prefix: str = "", *, leads: bool = False) -> Q:
    """The condition that a key is met by a row; ``prefix`` leads from the row to the key's level.

    ``leads``: an index may be used for it. A condition that does not lead is only tested, so that SQLite,
    which keeps no statistics, does not mistake it for the narrower one. A name is tested roughly: what has
    it passes, and so may others.
    """
    attribute, match = key.attribute, key.match
    if isinstance(match, Items):
        return _items_condition(match, prefix)
    if isinstance(match, NameKey):
        return _name_condition(attribute, match, prefix)
    if attribute.kept is Kept.FACT:
        return _fact_condition(key, f"{prefix}facts__{attribute.field}")
    column: Combinable = F(f"{prefix}{attribute.field}")
    if isinstance(match, Moments):
        column, match = _text(Concat(column, F(f"{prefix}{match.time.field}"))), match.span
    elif not leads:
        column = Unindexed(column)
    return condition(column, match)


def condition(column: Combinable, match: Match) -> Q:
    """The condition that a column has what is asked for."""
    if isinstance(match, Numbers):
        return Q(In(column, list(match.numbers)))
    if isinstance(match, Span):
        return Q(Within(column, match))
    assert isinstance(match, Texts)
    exact = [pattern.prefix for pattern in match.patterns if pattern.is_exact]
    found = Q(In(column, exact)) if exact or not match.patterns else Q()
    for pattern in match.patterns:
        if not pattern.is_exact:
            found |= Q(Fits(column, pattern))
    return found


def _text(column: Any) -> Func:
    return Cast(column, CharField())


def _fact_condition(key: Key, path: str) -> Q:
    """A fact is a JSON value: a text, a number, or a list of texts of which one has to match."""
    if isinstance(key.match, Numbers):
        return condition(Cast(KT(path), IntegerField()), key.match)
    column = _text(KT(path))
    if isinstance(key.match, Moments):
        time = _text(KT(path.replace(key.attribute.field, key.match.time.field)))
        return condition(_text(Concat(column, time)), key.match.span)
    if key.attribute.keyword == "ImageType" and isinstance(key.match, Texts):
        quoted = (Pattern((Wild.ANY, '"', *pattern.tokens, '"', Wild.ANY)) for pattern in key.match.patterns)
        return condition(column, Texts(tuple(quoted)))
    return condition(column, key.match)


def _items_condition(match: Items, prefix: str) -> Q:
    """At least one item meets every key (PS3.4 C.2.2.2.6). ``prefix`` leads to the series."""
    series = f"{prefix.removesuffix('__')}_id" if prefix else "pk"
    found = SeriesRequest.objects.filter(series=OuterRef(series))
    for key in match.keys:
        found = found.filter(condition(F(key.attribute.field), key.match))
    return Q(Exists(found))


# ---------------------------------------------------------------------- names


def _name_condition(attribute: Attribute, match: NameKey, prefix: str) -> Q:
    if attribute.keyword != "PatientName":  # kept as it was written: it can only be read and compared
        return ~Q(**{f"{prefix}{attribute.field}": ""})
    folded = Unindexed(F(f"{prefix}name_folded"))
    found = Q()
    for group in match.groups:
        found &= Q(Fits(folded, _rough(group)))
    if match.words:
        patient = f"{prefix.removesuffix('__')}_id" if prefix else "pk"
        owned = PatientTerm.objects.filter(patient=OuterRef(patient))
        words = Q()
        for word in match.words:
            words &= Q(Exists(owned.filter(_term_condition(word))))
        found |= words
    return found


def _rough(group: GroupKey) -> Pattern:
    """The pieces of a group's key, in order, anywhere in a folded name."""
    tokens: list[str | Wild] = [Wild.ANY]
    for piece in group.pieces():
        tokens += [piece.strip(), Wild.ANY] if piece.strip() else []
    return Pattern(tuple(tokens))


def _term_condition(word: Pattern) -> Q:
    if word.is_exact:
        return Q(term=word.prefix[:TERM_LENGTH])
    found = Q(term__begins=word.prefix[:TERM_LENGTH]) if word.prefix else Q()
    return found if word.is_prefix else found & Q(Fits(F("term"), word))


def name_owners(match: NameKey) -> Any:
    """The ids of patients whose terms allow this name, from the index of terms; None when the key does not
    say how a name or a word of it begins."""
    beginnings = next(filter(None, (group.beginnings() for group in match.groups)), None)
    if beginnings is None:
        return None
    found = Q()
    for beginning in beginnings:
        found |= Q(term__begins=beginning[:TERM_LENGTH])
    if match.words:
        word = max(match.words, key=lambda word: (word.is_exact, len(word.prefix)))
        if not word.prefix:
            return None
        found |= _term_condition(word)
    return PatientTerm.objects.filter(found).values("patient_id")
