"""A run's candidate to a version: merged into the branch that is checked out, checked again, tagged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gitskill.checks.finding import Level
from gitskill.checks.release import LookedAt, release_findings, unfit
from gitskill.errors import GitskillError, InvalidInput, NeedsPerson
from gitskill.ids import CommitId, LessonId, RunId
from gitskill.message import Message
from gitskill.node import Node
from gitskill.record import Counts, Record
from gitskill.redact.redactor import Redactor
from gitskill.report.lesson import State
from gitskill.report.status import Status
from gitskill.skill.bump import Bump
from gitskill.skill.diff import changes_between
from gitskill.skill.rejoin import clashes, merge
from gitskill.skill.snapshot import Skill
from gitskill.store import archive, checkout, lessons, names, tags
from gitskill.store.history import octopuses
from gitskill.store.lessons import foreign_changes
from gitskill.store.nodes import NodeStore
from gitskill.store.objects import Batch, Signer
from gitskill.store.oplog import Operation, record
from gitskill.store.refs import HEADS, Move, checked_out
from gitskill.store.releases import chained, following, previous, released_as
from gitskill.store.repository import Repository, Who
from gitskill.store.skills import skill_tree, with_skill
from gitskill.store.tags import Release
from gitskill.version import Version


@dataclass(frozen=True, slots=True)
class Draft:
    """A release that nothing stands in the way of; nothing is written yet."""

    branch: str
    """The ref that is checked out."""
    head: CommitId
    candidate: CommitId
    skill: Skill
    """What the release will hold."""
    version: Version
    tag: str
    previous: Release | None
    is_merged: bool
    """A person, or a forge, has merged the candidate already: then its branch is tagged as it is."""


@dataclass(frozen=True, slots=True)
class Released:
    """What was released."""

    version: Version
    tag: str
    commit: CommitId
    previous: str
    """The tag of the version before; empty for the first."""
    branch: str


def prepare(nodes: NodeStore, found: Status, bump: Bump | None = None) -> Draft:
    """Find out what releasing a run comes to, or raise with what is in the way."""
    branch = ready_branch(nodes.reader.repository)
    _refuse_checked_out(nodes.reader.repository, found.run.id)
    return _draft(nodes, found, branch, bump)


def foreseen(nodes: NodeStore, found: Status) -> str:
    """Tell which version a release would be; empty where the branch has moved too far for one."""
    try:
        return _draft(nodes, found, checkout.branch_here(nodes.reader.repository), None).tag
    except GitskillError:
        return ""


def _draft(nodes: NodeStore, found: Status, branch: str, bump: Bump | None) -> Draft:
    repository = nodes.reader.repository
    line = _candidate(nodes, found)
    candidate = found.candidate or line[0].commit
    head = repository.head()
    if not repository.descends(head, found.run.base):
        raise NeedsPerson(
            f"{found.run.id} stands on {found.run.base[:7]}, which is not in the history of {short(branch)}",
            hint=f"switch to the branch it is for, or: gitskill consolidate {found.run.id} --onto {short(branch)}",
        )
    is_merged = repository.descends(head, candidate)
    skill = nodes.reader.read(head) if is_merged else _merged(nodes, found, candidate, branch)
    before = previous(repository, nodes.reader.folder, head)
    version = following(nodes.reader, before.commit if before else found.run.base, skill, bump)
    tag = tags.tag_name(nodes.reader.folder, version)
    return Draft(branch, head, candidate, skill, version, tag, before, is_merged)


def check(nodes: NodeStore, found: Status, draft: Draft, redactor: Redactor) -> None:
    """Raise where the release would hold what is wrong, or what no lesson has and nobody has looked at."""
    if draft.is_merged:
        findings = unfit(draft.skill)  # whoever merged it has looked at it
    else:
        looked_at = _lessons(nodes, _candidate(nodes, found), draft.candidate)
        findings = release_findings(nodes.reader.read(draft.head), draft.skill, looked_at, redactor)
    evolved = _evolved(nodes, found)
    for each in findings:
        if each.level is Level.INVALID:
            raise InvalidInput(
                f"{draft.tag} would not pass the checks: {each.path}: {each.message}",
                hint=f"mend it in a commit on {short(draft.branch) if draft.is_merged else evolved}",
            )
    for each in findings:
        raise NeedsPerson(
            f"{draft.tag} would hold what no lesson has: {each.path}: {each.message}",
            hint=f"look at  gitskill diff HEAD {found.run.id}  and, to take it all the same, "
            f"git merge --no-ff {evolved}, then release",
        )


def release(nodes: NodeStore, found: Status, draft: Draft, who: Who, sign: Signer | None = None) -> Released:
    """Make the release: branch, tag and archive move in one operation, the work tree with them, or nothing does."""
    repository = nodes.reader.repository
    batch = Batch(repository)
    newest = max(repository.read_commit(commit).commit_time for commit in (draft.head, draft.candidate))
    who = who.at_least(newest)
    tree = _tree(nodes, draft, batch)
    commit = draft.head if draft.is_merged else _commit(found, draft, batch, tree, who)
    says = _record(nodes, found, draft, commit, skill_tree(batch, tree, nodes.reader.folder))
    tagged = tags.add(batch, draft.tag, commit, says.message(_subject(found, draft.tag)), who, sign)
    operation = Operation(f"release {draft.tag} ({found.run.id})", (tagged, *archive.moves(repository, found.run.id)))
    if draft.is_merged:
        record(repository, batch, operation, who)
    else:
        checkout.advance(repository, batch, operation, Move(draft.branch, draft.head, commit), who)
    before = draft.previous.tag if draft.previous else ""
    return Released(draft.version, draft.tag, commit, before, short(draft.branch))


def ready_branch(repository: Repository) -> str:
    """Give the branch that is checked out, as a ref, or raise with what keeps it from being moved."""
    branch = checkout.branch_here(repository)
    if branch.startswith(names.branches(repository)):
        raise NeedsPerson(f"{short(branch)} is checked out, which is one of gitskill's", hint="git switch main")
    if not repository.git.is_bare:
        checkout.refuse_unclean(repository)
    return branch


def _refuse_checked_out(repository: Repository, run: RunId) -> None:
    """Refuse where a branch of the run could not be put away."""
    held = checked_out(repository)
    for step in archive.moves(repository, run):
        if step.new is None and step.ref in held:
            raise NeedsPerson(
                f"{short(step.ref)} is checked out in {held[step.ref]}", hint="switch that work tree to another branch"
            )


def _candidate(nodes: NodeStore, found: Status) -> tuple[Node, ...]:
    """Give the octopus below the candidate, or raise: there is none, it is released, or it lacks a lesson.

    Of a sequential run those of the rounds before follow it.
    """
    repository, run = nodes.reader.repository, found.run.id
    if done := released_as(repository, found.run):
        raise NeedsPerson(f"{run} is {done.tag} already", hint=f"to see what it brought: gitskill show {run}")
    if not found.is_finished:
        raise NeedsPerson(
            f"{run} is not studied to its end: {found.traces['pending']} traces are left",
            hint=f"gitskill analyse --run {run}",
        )
    again = f"gitskill consolidate {run}"
    if found.candidate is None:
        raise NeedsPerson(f"{run} has no candidate", hint=again)
    ours = (at for at, says in octopuses(repository, found.candidate) if says.id.run == run)
    top = next(ours, None)
    line = nodes.line(top) if top else ()
    if not line or line[-1].base != found.run.base:
        raise InvalidInput(f"{_evolved(nodes, found)} is not what {run} came to", hint=again)
    if found.uncounted:
        raise NeedsPerson(f"the verdict on {found.uncounted[0].short} is not counted in {run} yet", hint=again)
    if late := list(_late(nodes, found, line)):
        raise NeedsPerson(f"the candidate of {run} does not have {late[0].short} as it is now", hint=again)
    return line


def _late(nodes: NodeStore, found: Status, line: Sequence[Node]) -> Iterator[LessonId]:
    """Give the lessons that were added, or amended, after the candidate was made.

    An amended one of a sequential run counts as it was: later rounds stand on it.
    """
    amendable = () if found.is_sequential else line
    carried = {lesson: commit for node in amendable for live in node.live for lesson, commit in live.sources}
    for item in lessons.listed(nodes.reader.repository, found.run.id):
        state = found.lessons[item.id].state if item.id in found.lessons else State.PROPOSED
        if state is State.PROPOSED or carried.get(item.id, item.commit) != item.commit:
            yield item.id


def _merged(nodes: NodeStore, found: Status, candidate: CommitId, branch: str) -> Skill:
    """Join the candidate with the branch, with the run's base as their ancestor."""
    reader, run = nodes.reader, found.run
    head = reader.repository.head()
    root = type(reader)(reader.repository, "")
    for path, problem in foreign_changes(reader, run.base, candidate):
        if root.file_id(candidate, path) != root.file_id(head, path):  # a merge of the branch may have brought it
            raise NeedsPerson(
                f"{_evolved(nodes, found)} {problem.format(path=path)}", hint=f"commit that on {short(branch)} instead"
            )
    base, ours, theirs = (reader.read(commit) for commit in (run.base, head, candidate))
    if both := clashes(base, ours, theirs):
        above, here = f"{reader.folder}/" if reader.folder else "", short(branch)
        more = f" and {len(both) - 3} other places" if len(both) > 3 else ""
        files = " ".join(dict.fromkeys(above + clash.path for clash in both))
        between = f"{run.base[:7]} {head[:7]}"
        raise NeedsPerson(
            f"{here} has moved since {run.id} began ({between.replace(' ', ' -> ')}), and both changed "
            f"{', '.join(above + str(clash) for clash in both[:3])}{more}",
            hint=f"look at  git diff {between} -- {files}  and run  gitskill consolidate {run.id} --onto {here}",
        )
    return merge(base, ours, theirs)


def _lessons(nodes: NodeStore, line: Sequence[Node], candidate: CommitId) -> Iterator[LookedAt]:
    """Give what the candidate is made of: its lessons, and what people committed on top of it."""
    reader = nodes.reader
    for node in line:
        base = reader.read(node.base)
        for _, commit in sorted({source for live in node.live for source in live.sources}):
            yield LookedAt(base, reader.read(commit), nodes.live(commit, node.base).changes)
    yield _looked_at(reader.read(line[0].commit), reader.read(candidate))


def _looked_at(before: Skill, after: Skill) -> LookedAt:
    return LookedAt(before, after, changes_between(before, after))


def _tree(nodes: NodeStore, draft: Draft, batch: Batch) -> str:
    """Put the branch's tree with the new skill into `batch`; other files are as the branch has them."""
    reader = nodes.reader
    tree = str(reader.repository.read_commit(draft.head).tree_id)
    return with_skill(batch, tree, reader.folder, reader.read(draft.head), draft.skill)


def _commit(found: Status, draft: Draft, batch: Batch, tree: str, who: Who) -> CommitId:
    """Put the merge into `batch`: the branch is its first parent, so that its history reads as a list of releases."""
    trailers = (("Gitskill-Run", str(found.run.id)), (tags.VERSION, draft.tag))
    message = Message(_subject(found, draft.tag), "\n".join(_told(found)), trailers)
    return batch.commit(tree, [draft.head, draft.candidate], message, who)


def _subject(found: Status, tag: str) -> str:
    count, traces = found.states[State.MERGED], len(found.fates)
    told = f"Release {tag}: {count} lesson{'s' * (count != 1)}"
    return f"{told} from {traces} trace{'s' * (traces != 1)}" if traces else told


def _told(found: Status) -> Iterator[str]:
    """Name every lesson with its support, the best supported first."""
    for each in found.top:
        support = f" ({each.support})" if each.support.traces else ""
        yield f"- {each.lesson.short} {each.title}{support}"


def _record(nodes: NodeStore, found: Status, draft: Draft, commit: CommitId, tree: str) -> Record:
    reader, states = nodes.reader, found.states
    base = previous(reader.repository, reader.folder, found.run.base)
    ends = ("merged", "folded", "dropped", "held", "rejected")
    counts = {name: states[State(name)] for name in ends}
    return Record(
        version=draft.version,
        skill=reader.folder,
        commit=commit,
        tree=tree,
        base=base.tag if base else "",
        runs=(found.run.id,),
        models=(found.run.engine,),
        counts=Counts(len(found.fates), sum(counts.values()), **counts),
        **chained(reader.repository, draft.previous),
    )


def _evolved(nodes: NodeStore, found: Status) -> str:
    return short(names.evolved_ref(nodes.reader.repository, found.run.id))


def short(ref: str) -> str:
    """Name a branch as git shows it."""
    return ref.removeprefix(HEADS)
