"""What a tag claims, held against what is there: its record, its place in the chain, its text and its signature."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from gitskill.checks.finding import Level
from gitskill.checks.whole import check_whole
from gitskill.errors import InvalidInput
from gitskill.record import Record
from gitskill.store.repository import Repository
from gitskill.store.signing import Trust
from gitskill.store.signing import check as check_signature
from gitskill.store.skills import SkillReader
from gitskill.store.tags import Release, TagText, prefix, read_tag, releases
from gitskill.version import Version


class Verdict(StrEnum):
    """What all that was found together means."""

    OK = "ok"
    UNSIGNED = "unsigned"
    """Nothing is wrong, and nobody that this person trusts has signed it."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Verified:
    """What came of one tag."""

    tag: str
    verdict: Verdict
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be told, or is worth knowing; no reason for the verdict but where that is `unsigned`."""
    oid: str = ""
    """What the tag points to now."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a tag is held against."""

    reader: SkillReader
    settings: Mapping[str, str]
    """The person's own git configuration: programs and allowed signers."""
    seen: Mapping[str, str]
    """What tags pointed to when this clone saw them."""


def verify(ground: Ground, name: str) -> Verified:
    """Verify one version."""
    return _verify(ground, name, _here(ground))


def _here(ground: Ground) -> dict[str, Release]:
    return {each.tag: each for each in releases(ground.reader.repository, ground.reader.folder)}


def _verify(ground: Ground, name: str, every: Mapping[str, Release]) -> Verified:
    release = every.get(name) or every.get(prefix(ground.reader.folder) + name)
    if release is None:
        return Verified(name, Verdict.BROKEN, (_gone(ground, name),))
    said = read_tag(ground.reader.repository, release.oid)
    problems = [*_moved(ground, release), *_older(ground, release, every)]
    notes: list[str] = []
    if said is None:
        notes.append("no record and no signature: it is no annotated tag")
    else:
        problems += _misnamed(release, said)
        record = _record(said, problems, notes)
        if record:
            problems += _claims(ground, release, record)
            problems += _chain(ground.reader.repository, release, record, every, notes)
    problems += _text(ground.reader, release, notes)
    is_good = said is not None and _signature(ground, said, problems, notes)
    verdict = Verdict.BROKEN if problems else Verdict.OK if is_good else Verdict.UNSIGNED
    return Verified(release.tag, verdict, tuple(dict.fromkeys(problems)), tuple(notes), release.oid)


def verify_all(ground: Ground) -> list[Verified]:
    """Verify every version that is here, newest first, and those that were here and are gone."""
    here = _here(ground)
    above = prefix(ground.reader.folder)
    gone = sorted(
        tag
        for tag in ground.seen.keys() - here.keys()
        if tag.startswith(above) and Version.read(tag.removeprefix(above)) is not None
    )
    return [_verify(ground, tag, here) for tag in [*gone, *reversed(here)]]


def _gone(ground: Ground, name: str) -> str:
    if name in ground.seen:
        return f"deleted tag: {name} was here as {ground.seen[name][:10]} and is gone"
    raise InvalidInput(f"{name} is no version of this skill", hint="gitskill log names them")


def _moved(ground: Ground, release: Release) -> Iterator[str]:
    before = ground.seen.get(release.tag, release.oid)
    if before == release.oid:
        return
    old = read_tag(ground.reader.repository, before)
    to = release.commit
    if old is not None and old.object == to:
        yield f"recreated tag: this clone has seen {before[:10]}, now it is {release.oid[:10]} on the same commit"
    else:
        was = f"{old.object[:10]}" if old else f"tag {before[:10]}"
        yield f"moved tag: this clone has seen it on {was}, now it is on {to[:10]}"


def _older(ground: Ground, release: Release, every: Mapping[str, Release]) -> Iterator[str]:
    """Find where the newest version on offer is older than one that was seen before."""
    above = prefix(ground.reader.folder)
    versions = (Version.read(tag.removeprefix(above)) for tag in ground.seen if tag.startswith(above))
    highest = max((version for version in versions if version), default=release.version)
    if release.version == max(each.version for each in every.values()) and release.version < highest:
        yield f"older version: it is the newest here, and this clone has seen {above}{highest}"


def _misnamed(release: Release, said: TagText) -> Iterator[str]:
    if said.name != release.tag:
        yield f"record from elsewhere: it is the tag {said.name} under another name"


def _record(said: TagText, problems: list[str], notes: list[str]) -> Record | None:
    try:
        found = Record.read(said.message)
    except InvalidInput as error:
        problems.append(f"damaged record: {error}")
        return None
    if found is None:
        notes.append("no record")
    return found


def _claims(ground: Ground, release: Release, record: Record) -> Iterator[str]:
    reader = ground.reader
    if record.version != release.version:
        yield f"record from elsewhere: it is that of {record.version}"
    if record.skill != reader.folder:
        yield f"record from elsewhere: it is that of the skill in {record.skill or 'the root'}"
    if record.commit != release.commit:
        yield f"record from elsewhere: it is that of commit {record.commit[:10]}, the tag is on {release.commit[:10]}"
    if record.tree != reader.tree_id(release.commit):
        yield f"the skill is not the one in the record: tree {record.tree[:10]}"


def _chain(
    repository: Repository, release: Release, record: Record, every: Mapping[str, Release], notes: list[str]
) -> Iterator[str]:
    """Hold a record against the tag that it says came before."""
    if not record.previous_tag:
        if earlier := [each.tag for each in every.values() if _is_before(repository, each, release)]:
            yield f"broken chain: its record names no version before it, and {earlier[-1]} is in its history"
        return
    before = every.get(record.previous_tag)
    if before is None:
        notes.append(f"the version before it, {record.previous_tag}, is not here")
        return
    if before.is_signed and not release.is_signed:
        notes.append(f"{before.tag} before it was signed")
    said = read_tag(repository, before.oid)
    if (said.digest if said else "") != record.previous:
        yield f"broken chain: {record.previous_tag} is not the one that its record names"
    if not before.version < release.version:
        yield f"broken chain: it is not newer than {record.previous_tag}, which its record names before it"
    if not repository.descends(release.commit, before.commit):
        yield f"broken chain: {record.previous_tag} is not in its history"


def _is_before(repository: Repository, one: Release, other: Release) -> bool:
    return one.version < other.version and repository.descends(other.commit, one.commit)


def _text(reader: SkillReader, release: Release, notes: list[str]) -> Iterator[str]:
    """Check the skill as it was released."""
    found = check_whole(reader.read(release.commit), "")
    for each in found:
        if each.level is Level.INVALID:
            yield f"{each.check}: {each.path}: {each.message}"
    if paths := [each.message for each in found if each.check == "path" and each.level is not Level.INVALID]:
        more = f", and {len(paths) - 1} more such paths" if len(paths) > 1 else ""
        notes.append(f"{paths[0]}{more}")


def _signature(ground: Ground, said: TagText, problems: list[str], notes: list[str]) -> bool:
    found = check_signature(said, ground.settings)
    if found.trust is Trust.BAD:
        problems.append(found.told)
    else:
        notes.append(found.told or "no signature")
    return found.trust is Trust.GOOD
