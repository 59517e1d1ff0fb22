"""The names of files in a text, and how surely one belongs to a single task."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from gitskill.checks.finding import Level
from gitskill.trace import Trace, leaves


def words(text: str) -> frozenset[str]:
    """Write a set of words as one line."""
    return frozenset(text.split())


_MAX_PATH, _MAX_FOLDERS = 200, 12
_RUN = re.compile(r"[\w./+@~-]+")
_DOCUMENTS = words(
    "7z avi bmp bz2 csv dat db dcm doc docx eml fasta geojson gif gpkg gz h5 jpeg jpg mdb mov mp3 mp4 npy npz ods odt"
    " out parquet pcap pdf pickle pkl png ppt pptx rar rtf sqlite svg tar tgz tif tiff tsv txt wav webp xls xlsm xlsx"
    " xz zip"
)
"""What people work on, rather than what programs are made of."""
_ENDINGS = _DOCUMENTS | words(
    "bash bat c cc cfg conf cpp cs css diff go h hpp htm html ini ipynb java jl js json jsonl jsx kt lean log"
    " lua md mjs pem php pl pony proto ps1 py pyi pyx r rb rs rst scala sh sql svelte swift tex tf toml ts tsx"
    " vue xml yaml yml"
)
_PARTS = re.compile(r"[^\W\d_]+|\d+")
_ROOTS = words("bin dev etc lib lib64 opt proc root run sbin sys usr var")  # the machine's own
_PLAIN = words(
    "app application archive assets backup bar base baz book build cargo changelog chart client cmake code common"
    " compose conda config configuration conftest constants contributing copy core data dataset demo dest dev dir dist"
    " doc docker dockerfile docs document dummy entry env environment error errors eval example examples file filename"
    " files final folder foo gemfile go gradle hello helper helpers home hosts image images img import in index info"
    " init input inputs items lib license local lock log logs main makefile manage manifest md migrations mod models"
    " module my name new node notes npm null old other out output outputs package page path pip pnpm project public"
    " pyproject python qux readme repo report requirements result results root run sample samples schema script"
    " scripts server settings setup sha sheet skill source src static store strings stuff style styles sum table temp"
    " template templates test testbed tests text the tmp todo tox train ts tsconfig txt types untitled urls user users"
    " util utils val version views webpack workbook workspace world yarn your"
)
"""Words that stand in names everywhere."""


class TaskFiles:
    """The files that a run is about, by every way to write their paths shorter."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace

    @cached_property
    def own(self) -> frozenset[str]:
        """Name the files of the task's own words, and what the run left behind."""
        return _shorter((self._trace.request, *(artifact.name for artifact in self._trace.artifacts)))

    @cached_property
    def called(self) -> frozenset[str]:
        """Name the files that the agent named when it acted. Most lessons hold no path, and never ask."""
        calls = (call for step in self._trace.steps for call in step.calls)
        return _shorter(text for call in calls for text in leaves(call.arguments))

    def level(self, path: str) -> Level | None:
        """Say how surely `path` is a file of the task and of no other; None where the run did not name it."""
        name = path.strip("/")
        is_own = name in self.own
        return _level(path, is_own=is_own) if is_own or name in self.called else None


def _shorter(texts: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for text in texts:
        for _, path in paths_in(text):
            parts = path.strip("/").split("/")
            if not _is_shared(path, parts):
                found |= {"/".join(parts[at:]) for at in range(max(0, len(parts) - _MAX_FOLDERS), len(parts))}
                found |= {"/".join(parts[:at]) for at in range(2, len(parts))}
    return frozenset(found)


def _is_shared(path: str, parts: list[str]) -> bool:
    """Tell whether a path leads to the machine's own files, or to those that tools keep: `/etc`, `~/.ssh`, `.venv`."""
    return (path[0] == "/" and parts[0] in _ROOTS) or any(part.startswith(".") for part in parts[:-1])


def paths_in(text: str) -> Iterator[tuple[int, str]]:
    """Give everything in `text` that can only be a path or the name of a file, and where it starts."""
    for match in _RUN.finditer(text):
        path = match[0].rstrip("./-+").removeprefix("./").lstrip("-+@")
        if path.startswith("//"):  # an address: its host is another check's
            path = path[2:].partition("/")[2]
        if 0 < len(path) <= _MAX_PATH and is_path(path):
            yield match.start(), path


def is_path(path: str) -> bool:
    """Tell whether `path` can only be a path or the name of a file."""
    parts = path.strip("/").split("/")
    stem, _, ending = parts[-1].rpartition(".")
    if ending.lower() in _ENDINGS and any(map(str.isalnum, stem)):
        return True
    is_deep = len(parts) > 2 and any(map(str.isalpha, path)) and any(map(str.isdigit, path))
    return is_deep or (path[0] in "/~" and len(parts) > 1)


def _level(path: str, *, is_own: bool) -> Level | None:
    parts = path.strip("/").split("/")
    if path[0] in "/~" and len(parts) > 1:
        return _absolute_level(parts, is_own=is_own)
    odd = [part for part in parts if not _is_plain(part)]
    if not odd:
        return None
    has_number = any(any(map(str.isdigit, part.rpartition(".")[0] or part)) for part in odd)
    if has_number or (is_own and (len(parts) > 1 or _is_document(parts[0]))):
        return Level.INVALID
    return Level.WARNING


def _absolute_level(parts: list[str], *, is_own: bool) -> Level | None:
    if parts[0] == "tmp" and not is_own:
        return None
    is_file = is_own and parts[-1].rpartition(".")[2].lower() in _ENDINGS
    is_told = is_file or len(parts) > 2 or not all(map(_is_plain, parts)) or any(map(str.isdigit, "".join(parts)))
    return Level.INVALID if is_told else None


def _is_plain(name: str) -> bool:
    """Tell whether a name is made of words that stand in names everywhere; `data2` is, `data_20240117` is not."""
    stem = name.rpartition(".")[0] or name
    if re.search(r"\d{3}", stem) and not stem.lower().startswith("sha"):
        return False
    return all(len(word) == 1 or word in _PLAIN for word in re.findall(r"[^\W\d_]+", stem.lower()))


def _is_document(name: str) -> bool:
    stem, _, ending = name.rpartition(".")
    return ending.lower() in _DOCUMENTS and len(_PARTS.findall(stem)) > 1


def suffixes(path: str) -> Iterator[str]:
    """Give the path, and what is left of it when its first folders are."""
    yield path
    parts = path.strip("/").split("/")
    yield from (rest for at in range(1, len(parts)) if is_path(rest := "/".join(parts[at:])))
