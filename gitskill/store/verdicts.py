"""What people decided about the lessons of a run: in its record, beside what the checks decided."""

from collections.abc import Iterable, Mapping

from gitskill.fate import Verdict
from gitskill.store.objects import Batch
from gitskill.store.records import loaded, next_state, record_files, written
from gitskill.store.refs import Move
from gitskill.store.repository import Repository, Who
from gitskill.store.runs import Run
from gitskill.store.skills import SkillReader

VERDICTS = "verdicts.json"


def verdicts(repository: Repository, run: Run) -> Mapping[str, Verdict]:
    """Read the verdicts on the lessons of a run, by their slots."""
    files = record_files(repository, run)
    if VERDICTS not in files:
        return {}
    found: tuple[Verdict, ...] = loaded(tuple[Verdict, ...], repository, run, files[VERDICTS][1])
    return {each.slot: each for each in found}


def decide(reader: SkillReader, batch: Batch, run: Run, made: Iterable[Verdict], who: Who) -> Move:
    """Write verdicts into the record. The newest on a lesson is the one that counts."""
    now = {**verdicts(reader.repository, run), **{each.slot: each for each in made}}
    return next_state(reader, batch, run, {VERDICTS: in_file(now.values())}, who)


def in_file(found: Iterable[Verdict]) -> bytes:
    """Write verdicts as the file of a record."""
    return written(sorted(found, key=lambda each: each.slot))
