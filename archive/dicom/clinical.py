"""A CDA document (HL7 CDA release 2) as headings, paragraphs, lists and tables.

Only text is taken from it: no markup, no address, no entity of its own leaves this module. A document that
declares a DTD is not taken apart at all, so that nothing in it can be expanded or fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat

from archive.dicom.reports.content import prose
from archive.dicom.value_text import seen

MOST_BYTES: Final = 16 << 20
_DEPTH: Final = 200
_BLOCKS: Final = 20_000
_NAMESPACE: Final = "urn:hl7-org:v3"


class NotClinical(Exception):
    """No document that can be taken apart; ``code`` is a slug."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Block:
    """``kind`` is heading, paragraph, item or table; ``level`` that of a heading, or an item's indent."""

    kind: str
    text: str = ""
    level: int = 0
    rows: tuple[tuple[str, ...], ...] = ()
    header_rows: int = 0


@dataclass(frozen=True, slots=True)
class Clinical:
    """``facts`` are pairs: what (patient, born, sex, id, author, moment, code) and its text."""

    title: str
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]


def clinical_of(data: bytes) -> Clinical:
    """Take a document apart. Raises ``NotClinical`` and nothing else."""
    if len(data) > MOST_BYTES:
        raise NotClinical("too-large", f"{len(data)} bytes")
    reader = _Reader()
    try:
        reader.parser.Parse(data.rstrip(b"\0"), True)
    except (expat.ExpatError, ValueError, LookupError, RecursionError) as error:
        raise NotClinical("not-xml", str(error)[:200]) from None
    if not reader.is_cda:
        raise NotClinical("not-cda", "another root element")
    return reader.result()


@dataclass(slots=True)
class _Table:
    rows: list[tuple[str, ...]] = field(default_factory=list)
    row: list[str] = field(default_factory=list)
    header_rows: int = 0


class _Reader:
    """Follows the parser: ``path`` are the elements that are open, by local name."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate(namespace_separator="\x1f")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.characters
        self.parser.StartDoctypeDeclHandler = self.refuse
        self.parser.EntityDeclHandler = self.refuse
        self.path: list[str] = []
        self.is_cda = False
        self.title = ""
        self.facts: dict[str, str] = {}
        self.blocks: list[Block] = []
        self.text: list[str] = []
        self.table: _Table | None = None

    def refuse(self, *_declared: object) -> None:
        raise NotClinical("dtd", "declares a DTD")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition("\x1f")
        if not self.path:
            self.is_cda = local == "ClinicalDocument" and space in {_NAMESPACE, ""}
        self.path.append(local)
        if len(self.path) > _DEPTH or len(self.blocks) > _BLOCKS:
            raise NotClinical("too-deep", f"{len(self.path)} elements deep, {len(self.blocks)} blocks")
        if self.narrative:
            self.start_narrative(local)
        elif local == "nonXMLBody":
            self.blocks.append(Block("paragraph", "[nonXMLBody]"))
        else:
            self.start_head(local, attributes)

    @property
    def narrative(self) -> bool:
        return "text" in self.path and "section" in self.path

    @property
    def level(self) -> int:
        return self.path.count("section")

    def start_narrative(self, local: str) -> None:
        if local == "table" and self.table is None:
            self.flush(self.path.count("list"))
            self.table = _Table()
        elif local in {"paragraph", "item", "list"} and self.table is None:
            self.flush(self.path.count("list") - (local == "list"))
        elif local == "br":
            self.text.append("\n")

    def start_head(self, local: str, attributes: dict[str, str]) -> None:
        self.text = []
        parent = self.path[-2] if len(self.path) > 1 else ""
        value = seen(attributes.get("value", ""))
        if local == "effectiveTime" and parent == "ClinicalDocument":
            self.facts.setdefault("moment", value)
        elif local == "id" and parent == "patientRole":
            self.facts.setdefault("id", seen(attributes.get("extension", "")))
        elif local == "birthTime" and parent == "patient":
            self.facts.setdefault("born", value)
        elif local == "administrativeGenderCode" and parent == "patient":
            self.facts.setdefault("sex", seen(attributes.get("displayName") or attributes.get("code", "")))
        elif local == "code" and parent == "ClinicalDocument":
            self.facts.setdefault("code", seen(attributes.get("displayName") or attributes.get("code", "")))

    def characters(self, data: str) -> None:
        self.text.append(data)

    def end(self, _name: str) -> None:
        local = self.path[-1]
        if self.narrative:
            self.end_narrative(local)
        elif local == "title":
            self.end_title()
        elif local in {"family", "given", "prefix", "suffix", "name"}:
            self.end_name()
        self.path.pop()

    def end_title(self) -> None:
        text = self.words()
        if self.level:
            if text:
                self.blocks.append(Block("heading", text, min(self.level, 4)))
        elif len(self.path) == 2:
            self.title = text

    def end_name(self) -> None:
        """Parts of a name in the order in which they stand; of the patient and of the first author."""
        whose = "patient" if "patient" in self.path else "author" if "assignedAuthor" in self.path else ""
        text = self.words()
        if whose and text:
            self.facts[whose] = f"{self.facts.get(whose, '')} {text}".strip()

    def end_narrative(self, local: str) -> None:
        if self.table is not None:
            self.end_table(local)
        elif local in {"paragraph", "item", "caption", "text", "list"}:
            self.flush(self.path.count("list"))

    def end_table(self, local: str) -> None:
        table = self.table
        assert table is not None
        if local in {"td", "th"}:
            table.row.append(self.words())
        elif local == "tr":
            table.rows.append(tuple(table.row))
            table.header_rows += "thead" in self.path
            table.row = []
        elif local == "caption":
            self.flush(0)
        elif local == "table":
            self.blocks.append(Block("table", rows=tuple(table.rows), header_rows=table.header_rows))
            self.table = None
            self.text = []

    def words(self) -> str:
        text = prose(" ".join("".join(self.text).replace("\n", " \n ").split(" ")))
        self.text = []
        return "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()

    def flush(self, indent: int) -> None:
        """What was read so far stands by itself: a paragraph, or with an indent an item of a list."""
        text = self.words()
        if text:
            self.blocks.append(Block("item" if indent else "paragraph", text, indent))

    def result(self) -> Clinical:
        return Clinical(
            self.title, tuple((name, text) for name, text in self.facts.items() if text), tuple(self.blocks)
        )
