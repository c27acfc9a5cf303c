"""A page of the studies that have certain words, found the quicker of two ways.

- *Walk* the list in the order asked for and test each study, until the page is full. Quick when many match:
  of a common name the newest fifty are found among the newest few hundred studies.
- *Drive* from one word, through the index of terms, test what that gives, and sort it. Quick when few match.

Which is quicker nobody knows beforehand: a name and an examination may go together, or never do. So the
newest thousand studies are looked at first. When one of the words is rare, there is nothing to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from archive.counting import studies_total
from archive.models import PatientTerm, Study, StudyTerm
from archive.query import StudyCriteria, Word, date_filter, sort_order, studies_listed, study_filter

COUNTED: Final = 10_000  # terms that begin with one word are counted so far; beyond, it is common
DRIVEN: Final = 5_000  # with so few matches driving always pays
SAMPLED: Final = 1_000  # newest studies that are looked at to decide
TALLIED: Final = 1_500  # terms that are looked at for a total that is only a bound
BOUND: Final = 10_000  # a bound is no more than this: "10,000+"
OVERDRAWN: Final = 3.0  # a walk that took so many times what driving promised is given up
_STUDIES_PER_PATIENT: Final = 2.5
# What it costs to read a term, to test one thing once, to find and sort one study; only the ratios matter.
_READ: Final = 0.3
_TEST: Final = 1.0
_FIND: Final = 2.5


@dataclass(frozen=True, slots=True)
class Found:
    """The ids of one page, and how many there are: exactly, or at least when ``more`` is set."""

    ids: tuple[int, ...]
    total: int
    more: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """A word, and how many terms of patients and of studies begin with it, to ``COUNTED`` of each."""

    word: Word
    patients: int
    studies: int

    @property
    def matches(self) -> float:
        """Roughly how many studies it finds, or at least when it is common."""
        return self.patients * _STUDIES_PER_PATIENT + self.studies

    @property
    def common(self) -> bool:
        return COUNTED in {self.patients, self.studies}


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest studies: which have all that is asked for, what share has each word, and columns."""

    size: int
    hits: tuple[int, ...]
    words: tuple[float, ...]
    columns: float

    @property
    def whole(self) -> bool:
        """Whether there were no more to look at."""
        return self.size < SAMPLED


class Probe(Exists):
    """EXISTS that is asked row by row. The OFFSET keeps PostgreSQL from first reading every term that begins
    with a common word, to build a table in which it then looks up a few."""

    def as_sql(self, compiler: Any, connection: Any, **extra: Any) -> Any:  # type: ignore[override]
        sql, params = super().as_sql(compiler, connection, **extra)
        return f"{sql[:-1]} OFFSET 0)", params


def words_search(*, criteria: StudyCriteria, words: Sequence[Word], sort: str, page: slice) -> Found:
    """Return a page of ``study_query(criteria, sort)``; ``words`` are those of the criteria, one at least."""
    counted = sorted((word_count(word) for word in words), key=lambda word: word.matches)
    if not counted[0].matches:
        return Found((), 0)
    search = _Search(criteria, tuple(counted), sort, page)
    if counted[0].matches <= DRIVEN:
        return search.drive(0)
    return search.quicker()


def word_count(word: Word) -> Counted:
    """Count the terms that begin with a word, to ``COUNTED``."""
    patients = studies = 0
    if word.of_patient:
        patients = PatientTerm.objects.filter(term__begins=word.text)[:COUNTED].count()
    if word.of_study:
        studies = StudyTerm.objects.filter(term__begins=word.text)[:COUNTED].count()
    return Counted(word, patients, studies)


def page_ids(query: QuerySet[Study]) -> tuple[int, ...]:
    return tuple(query.values_list("id", flat=True))


class _Search:
    """One search under way."""

    def __init__(self, criteria: StudyCriteria, words: tuple[Counted, ...], sort: str, page: slice) -> None:
        self.words, self.sort, self.page = words, sort, page
        self.everything = max(studies_total(), 1)
        self.by_date = sort in {"date", "-date"}
        self.columns = study_filter(criteria)
        self.listed = studies_listed().filter(date_filter(criteria))
        self.selected = studies_listed().filter(self.columns)

    # ------------------------------------------------------------------ the decision

    def quicker(self) -> Found:
        """Look at the newest, then go the way that promises to be quicker."""
        sample = self._sample()
        if sample.whole:
            ids = page_ids(self.selected.filter(pk__in=sample.hits).order_by(*sort_order(self.sort)))
            return Found(ids[self.page], len(ids))
        if self.sort == "-date" and len(sample.hits) >= self.page.stop:
            return self._tallied(sample.hits[self.page], 0)
        shares = self._shares(sample)
        costs = [self._drive_cost(number, shares) for number in range(len(self.words))]
        cheapest = min(costs)
        driver = costs.index(cheapest)
        if self._walk_cost(sample, shares) <= cheapest:
            walked = self._walk(shares, cheapest)
            if walked is not None:
                return self._tallied(walked, driver)
        return self.drive(driver)

    def _sample(self) -> Sample:
        flags: dict[str, Any] = {f"word{number}": _has(word) for number, word in enumerate(self.words)}
        flags["columns"] = self.columns
        wrapped = {
            name: ExpressionWrapper(condition, output_field=BooleanField())
            for name, condition in flags.items()
        }
        newest = self.listed.order_by("-sort_key", "-id").annotate(**wrapped)[:SAMPLED]
        rows = list(newest.values_list("id", *flags))
        size = max(len(rows), 1)
        shares = [sum(map(bool, column)) / size for column in list(zip(*rows, strict=True))[1:]] or [
            0.0
        ] * len(flags)
        hits = tuple(pk for pk, *has in rows if all(has))
        return Sample(len(rows), hits, tuple(shares[:-1]), shares[-1])

    def _shares(self, sample: Sample) -> list[float]:
        """What share of all studies has each word: as counted, and of a common one as sampled."""
        return [
            max(min(word.matches / self.everything, 1.0), seen if word.common else 0.0)
            for word, seen in zip(self.words, sample.words, strict=True)
        ]

    def _walk_cost(self, sample: Sample, shares: Sequence[float]) -> float:
        seen = len(sample.hits) / sample.size
        expected = float(prod(shares)) * max(sample.columns, 0.5 / SAMPLED)
        density = seen if len(sample.hits) > 3 else expected
        return float(self.page.stop / max(density, 1e-9) * _TEST * 1.3)

    def _drive_cost(self, driver: int, shares: Sequence[float]) -> float:
        """What lacks another word of its own kind, of patients or of studies, goes before it costs more."""
        word, others = self.words[driver], [i for i in range(len(self.words)) if i != driver]
        grown = shares[driver] * self.everything / word.matches  # a common word was not counted to its end
        of_patients = prod(shares[i] for i in others if not self.words[i].studies)
        of_studies = prod(shares[i] for i in others if not self.words[i].patients)
        patients, studies = word.patients * grown, word.studies * grown
        tests = _TEST if others else 0.0
        return (
            patients * (_READ + tests)
            + patients * of_patients * _STUDIES_PER_PATIENT * (_FIND + tests)
            + studies * (_READ + tests)
            + studies * of_studies * (_FIND + tests)
        )

    # ------------------------------------------------------------------ the two ways

    def _walk(self, shares: Sequence[float], budget: float) -> tuple[int, ...] | None:
        """The page, read from the list in order; None when it takes much longer than driving promised."""
        likely = sorted(range(len(self.words)), key=lambda number: shares[number])
        tested = self.selected.filter(*(_has(self.words[number]) for number in likely))
        order = sort_order(self.sort)
        if not self.by_date:
            return page_ids(tested.order_by(*order)[self.page])
        keys = self.listed.order_by(*order).values_list("sort_key", flat=True)
        inside, behind = ("lt", "gte") if self.sort == "date" else ("gt", "lte")
        left, ids = tested.order_by(*order), list[int]()
        walked = SAMPLED
        while walked <= budget * OVERDRAWN:
            walked *= 4
            edge = list(keys[walked : walked + 1])
            here = left.filter(**{f"sort_key__{inside}": edge[0]}) if edge else left
            ids += page_ids(here[: self.page.stop - len(ids)])
            if len(ids) == self.page.stop or not edge:
                return tuple(ids[self.page])
            left = left.filter(**{f"sort_key__{behind}": edge[0]})
        return None

    def drive(self, driver: int) -> Found:
        """The page, of everything that has the words, sorted."""
        ids = page_ids(self._driven(driver).order_by(*sort_order(self.sort)))
        return Found(ids[self.page], len(ids))

    def _tallied(self, ids: tuple[int, ...], driver: int) -> Found:
        """A page with the least total there is: what the first terms of one word come to."""
        shown = self.page.start + len(ids)
        if not ids:  # behind the last page
            return Found((), self._driven(driver).order_by().count())
        if len(ids) < self.page.stop - self.page.start:
            return Found(ids, shown)  # the last page
        return Found(ids, max(rounded(self._least(driver)), shown), more=True)

    def _least(self, driver: int) -> int:
        """How many studies the first terms of one word lead to."""
        word = self.words[driver]
        found = self.selected.filter(*(_has(other) for other in self.words if other is not word)).order_by()
        least = 0
        if word.patients:
            owners = _terms(PatientTerm, "patient", word, []).values("patient_id")[:TALLIED]
            least += found.filter(patient_id__in=owners)[: BOUND + 1].count()
        if word.studies:
            owners = _terms(StudyTerm, "study", word, []).values("study_id")[:TALLIED]
            counted = ~Q(patient_words__has_word=word.word.text) if word.patients else Q()
            least += found.filter(counted, pk__in=owners)[: BOUND + 1].count()
        return least

    def _driven(self, driver: int) -> QuerySet[Study]:
        """What one word finds, and of that what has the others."""
        word = self.words[driver]
        others = [other for number, other in enumerate(self.words) if number != driver]
        sides = []
        if word.patients:
            terms = _terms(PatientTerm, "patient", word, [other for other in others if not other.studies])
            left = (_has(other) for other in others if other.studies)
            sides.append(self.selected.filter(*left, patient_id__in=terms.values("patient_id")))
        if word.studies:
            terms = _terms(StudyTerm, "study", word, [other for other in others if not other.patients])
            left = (_has(other) for other in others if other.patients)
            sides.append(self.selected.filter(*left, pk__in=terms.values("study_id")))
        if len(sides) == 1:
            return sides[0]
        both = sides[0].values("pk").union(sides[1].values("pk"))
        return Study.objects.filter(pk__in=both)


def rounded(total: int) -> int:
    """Down to two figures, as one says "more than 3,700", and no more than ``BOUND``."""
    unit = int(10 ** max(len(str(total)) - 2, 0))
    return min(total // unit * unit, BOUND)


def _terms(
    model: type[PatientTerm] | type[StudyTerm], owner: str, word: Counted, others: Sequence[Counted]
) -> QuerySet[Any]:
    """Terms that begin with a word, of owners that have the others as well."""
    having = (
        Probe(model._default_manager.filter(**{owner: OuterRef(owner)}, term__begins=other.word.text))
        for other in others
    )
    return model._default_manager.filter(*having, term__begins=word.word.text)


def _has(counted: Counted) -> Q:
    """The condition that a study has a word, tested in its row and only where any study has it."""
    condition = Q()
    if counted.patients:
        condition |= Q(patient_words__has_word=counted.word.text)
    if counted.studies:
        condition |= Q(study_words__has_word=counted.word.text)
    return condition
