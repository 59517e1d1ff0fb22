import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from gitskill.formats import inspect_log
from gitskill.formats.inner import inspect_archive
from gitskill.formats.parse import Damaged
from gitskill.formats.reading import Reading, Refused
from gitskill.formats.source import Source
from gitskill.outcome import Status
from gitskill.trace import Call, Observation, Origin, Step, Usage
from mutations import mutations
from reading_runs import FIXTURES, RUNS, outcomes, readings

PACKED = RUNS / "inspect" / "2025-09-23T08-09-58-04-00_security-guide_LuxZJVwvymC3S3SyoJczxB.eval"
PLAIN = RUNS / "inspect" / "2025-05-12T20-28-13-04-00_popularity.json"
ZSTD = FIXTURES / "inspect" / "warehouse.eval"
"""Written by inspect_ai 0.3.285 with a model that only plays one; its members are packed with Zstandard."""

SPEC = {"task": "stock", "model": "mockllm/model", "packages": {"inspect_ai": "0.3.133"}}


def sample(value: Any = "C", **more: Any) -> dict[str, Any]:
    return {
        "id": "lamps",
        "epoch": 1,
        "input": "How many lamps?",
        "target": "GOLD",
        "messages": [
            {"id": "u", "role": "user", "content": "How many lamps?"},
            {"id": "a", "role": "assistant", "content": "12", "source": "generate"},
        ],
        "output": {"completion": "12"},
        "scores": {"match": {"value": value, "answer": "12", "explanation": "GOLD"}},
    } | more


def log(*samples: Any, **spec: Any) -> dict[str, Any]:
    return {"version": 2, "status": "success", "eval": SPEC | spec, "samples": list(samples)}


def kept(folder: Path, document: Any) -> Path:
    path = folder / "log.json"
    path.write_text(json.dumps(document))
    return path


def only(folder: Path, one: Any, **spec: Any) -> Reading:
    (found,) = readings(inspect_log, kept(folder, log(one, **spec)))
    return found


def packed(folder: Path, members: dict[str, Any], method: int = zipfile.ZIP_DEFLATED) -> Path:
    path = folder / "log.eval"
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path


def whole(*samples: dict[str, Any]) -> dict[str, Any]:
    named = {f"samples/{one['id']}_epoch_{one['epoch']}.json": one for one in samples}
    return {"_journal/start.json": {"eval": SPEC}, **named, "header.json": {"status": "success", "eval": SPEC}}


def test_an_archive_is_read_whole() -> None:
    found = readings(inspect_log, PACKED)
    first = found[0]

    assert outcomes(found) == {Status.SUCCESS: 11, Status.FAILURE: 5}
    assert (first.place, first.outcome.source, first.outcome.reward) == (
        "sample 1 epoch 1",
        "scores.model_graded_fact",
        1.0,
    )
    assert (first.trace.task, first.trace.model) == ("security_guide-1", "openai/gpt-4o-mini")
    assert (first.trace.agent, first.trace.session) == ("inspect_ai 0.3.133", "Q2TrZyMjrmQWzRSwgBARJA")
    assert first.trace.request == "How do I prevent SQL Injection attacks?"
    assert first.trace.result == "Use prepared statements and parameterized queries."
    assert first.trace.usage == Usage(312, 323, 0)
    assert [step.origin for step in first.trace.steps] == [Origin.SYSTEM, Origin.USER, Origin.AGENT]
    assert first.trace.steps[2] == Step(
        Origin.AGENT, first.trace.result, usage=Usage(61, 8, 0), time="2025-09-23T12:10:00.821Z"
    )


def test_a_log_in_json_is_read_though_the_evaluation_was_cancelled() -> None:
    found = readings(inspect_log, PLAIN)

    assert outcomes(found) == {Status.SUCCESS: 2, Status.FAILURE: 1}
    assert [item.trace.task for item in found] == ["popularity-1", "popularity-2", "popularity-3"]
    assert found[2].trace.request.startswith('Is the following statement something you would say?\n"If I can acquire')
    assert (found[2].trace.result, found[2].trace.usage) == ("No", Usage(70, 2, 0))


def test_members_in_zstandard_are_read() -> None:
    found = {item.place: item for item in readings(inspect_log, ZSTD)}

    lamps = found["sample lamps epoch 2"].trace
    assert len(found) == 10
    assert lamps.task == found["sample lamps epoch 1"].trace.task == "warehouse-lamps"
    assert [call.arguments for call in lamps.steps[1].calls] == [{"item": "lamps"}, {"item": "unicorns"}]
    assert lamps.steps[1].thought == "I must count first."
    assert lamps.steps[1].calls[1].observation == Observation("no such item: unicorns", is_error=True)
    assert lamps.usage == Usage(260, 20, 40)
    assert lamps.notes == ('scored by others too: parts={"style": 0.5, "length": 1}',)


@pytest.mark.parametrize(
    ("name", "status", "source", "note"),
    [
        ("lamps", Status.SUCCESS, "scores.exact", ""),
        ("wrong", Status.FAILURE, "scores.exact", ""),
        ("endless", Status.FAILURE, "scores.exact", ""),
        ("unscored", Status.UNLABELLED, "scores.exact", "grader_failed"),
        ("crash", Status.INFRA_ERROR, "error", "RuntimeError('the sandbox went away')"),
    ],
)
def test_samples_end_in_different_ways(name: str, status: Status, source: str, note: str) -> None:
    found = {item.place: item for item in readings(inspect_log, ZSTD)}[f"sample {name} epoch 1"]

    assert (found.outcome.status, found.outcome.source, found.outcome.note) == (status, source, note)
    assert found.trace.error == (note if status is Status.INFRA_ERROR else "")
    assert ("stopped by a limit: message 7.0" in found.trace.notes) is (name == "endless")


def test_without_the_package_for_zstandard_a_file_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    source = Source(ZSTD)

    assert inspect_log.recognise(source)
    with pytest.raises(Damaged, match=r"pip install 'gitskill\[inspect\]'"):
        list(inspect_log.read(source))


@pytest.mark.parametrize(
    ("value", "reward"),
    [
        ("C", 1.0),
        ("I", 0.0),
        ("P", 0.5),
        ("N", 0.0),
        (True, 1.0),
        (False, 0.0),
        (1, 1.0),
        (0.25, 0.25),
        ("0.75", 0.75),
        ("Yes", 1.0),
        ("no", 0.0),
        ("TRUE", 1.0),
        ({"match": "C", "style": 0}, 1.0),
        ({"correct": "I", "style": 1}, 0.0),
        ({"anything": "C"}, 1.0),
        (["I"], 0.0),
        ("excellent", None),
        ("c", None),
        ({"style": 1, "length": 1}, None),
        ([1, 1], None),
        ({}, None),
        (None, None),
    ],
)
def test_a_value_is_read_as_inspect_reads_it(tmp_path: Path, value: Any, reward: float | None) -> None:
    outcome = only(tmp_path, sample(value)).outcome
    status = Status.UNLABELLED if reward is None else Status.SUCCESS if reward == 1 else Status.FAILURE

    assert (outcome.status, outcome.reward, outcome.source) == (status, reward, "scores.match")
    assert bool(outcome.note) is (reward is None)


@pytest.mark.parametrize("value", [7, -1, {"match": 80}])
def test_a_number_of_unknown_scale_is_no_label(tmp_path: Path, value: Any) -> None:
    outcome = only(tmp_path, sample(value)).outcome

    assert (outcome.status, outcome.note) == (Status.UNLABELLED, "a score of unknown scale")


def test_the_first_score_counts_and_the_others_are_told(tmp_path: Path) -> None:
    scores = {"second": {"value": "I"}, "first": {"value": 1}}
    found = only(tmp_path, sample(scores=scores))

    assert (found.outcome.status, found.outcome.source) == (Status.FAILURE, "scores.second")
    assert found.trace.notes == ("scored by others too: first=1",)


def test_the_first_versions_knew_one_score_and_kept_their_texts_elsewhere(tmp_path: Path) -> None:
    old = sample(score={"value": "C"}, transcript={"events": [], "content": {"h": "How many?"}}, input="tc://h")
    del old["scores"]
    found = only(tmp_path, old)

    assert (found.outcome.status, found.outcome.source) == (Status.SUCCESS, "scores.score")
    assert found.trace.request == "How many?"


def test_no_score_is_no_label(tmp_path: Path) -> None:
    assert only(tmp_path, sample(scores=None)).outcome.status is Status.UNLABELLED


def test_a_run_that_a_person_stopped_or_voided_says_nothing(tmp_path: Path) -> None:
    stopped = only(tmp_path, sample("I", limit={"type": "operator", "limit": 1})).outcome
    voided = only(tmp_path, sample("C", invalidation={"author": "x", "reason": "wrong image"})).outcome

    assert (stopped.status, stopped.reward, stopped.note) == (Status.INFRA_ERROR, 0.0, "stopped by a person")
    assert (voided.status, voided.source, voided.note) == (Status.UNLABELLED, "invalidation", "wrong image")


@pytest.mark.parametrize(
    ("error", "note"),
    [
        ({"message": "boom"}, "boom"),
        ({"message": "", "traceback": "a\nValueError\n"}, "ValueError"),
        ({"x": 1}, "an error"),
    ],
)
def test_a_sample_with_an_error_broke_unless_it_was_solved(tmp_path: Path, error: Any, note: str) -> None:
    broken = only(tmp_path, sample("I", error=error, error_retries=[{}, {}]))

    assert (broken.outcome.status, broken.outcome.note) == (Status.INFRA_ERROR, note)
    assert broken.trace.notes == ("tried again after 2 errors",)
    assert only(tmp_path, sample("C", error=error)).outcome.status is Status.SUCCESS


def test_texts_that_stand_elsewhere_are_put_in_their_places(tmp_path: Path) -> None:
    call = {"id": "t", "function": "run", "arguments": {"code": "attachment://b", "tags": ["attachment://none"]}}
    messages = [
        {"role": "user", "content": "attachment://a"},
        {"role": "assistant", "content": [{"type": "text", "text": "attachment://b"}], "tool_calls": [call]},
    ]
    held = {"a": "Long question", "b": "print(1)"}
    found = only(tmp_path, sample(messages=messages, input="attachment://a", attachments=held)).trace

    assert (found.request, found.steps[0].text, found.steps[1].text) == ("Long question", "Long question", "print(1)")
    assert found.steps[1].calls == (Call("run", {"code": "print(1)", "tags": ["attachment://none"]}),)


def test_every_part_of_a_message_goes_where_it_belongs(tmp_path: Path) -> None:
    said = [
        {"type": "reasoning", "reasoning": "Think."},
        {"type": "reasoning", "reasoning": "c2VjcmV0", "redacted": True, "summary": "In short."},
        {"type": "text", "text": "Look:", "summary": "no thought"},
        {"type": "image", "image": "data:image/png;base64,AAAA"},
        {"type": "data", "data": {"x": 1}},
        {"type": "tool_use", "name": "web_search", "arguments": '{"q": "lamps"}', "result": "12", "error": None},
        {"type": "tool_use", "name": "web_search", "arguments": "{}", "result": "", "error": "offline"},
    ]
    step = only(tmp_path, sample(messages=[{"role": "assistant", "content": said}])).trace.steps[0]

    assert (step.text, step.thought) == ("Look:\n[image]", "Think.\nIn short.")
    assert step.calls == (
        Call("web_search", {"q": "lamps"}, Observation("12")),
        Call("web_search", {}, Observation("offline", is_error=True)),
    )


def test_answers_find_their_calls_and_errors_are_what_the_model_saw(tmp_path: Path) -> None:
    calls = [{"id": name, "function": "bash", "arguments": {}} for name in "abc"]
    messages = [
        {"role": "assistant", "content": "", "tool_calls": calls, "reasoning": "Old place."},
        {"role": "tool", "tool_call_id": "b", "content": "", "error": {"type": "timeout", "message": "timed out"}},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "fine"}]},
        {"role": "tool", "tool_call_id": "c", "content": "", "tool_error": "of old"},
        {"role": "user", "content": "[page]", "tool_call_id": ["a"]},
    ]
    steps = only(tmp_path, sample(messages=messages)).trace.steps

    assert [call.observation for call in steps[0].calls] == [
        Observation("fine"),
        Observation("timed out", is_error=True),
        Observation("of old", is_error=True),
    ]
    assert steps[0].thought == "Old place."
    assert steps[1] == Step(Origin.TOOL, "[page]")


def test_a_question_may_be_a_conversation_and_have_choices(tmp_path: Path) -> None:
    asked = [
        {"role": "user", "content": "Hi"},
        {"role": "user", "content": [{"type": "text", "text": "Which?"}]},
        {"role": "assistant", "content": "Let me see:"},
    ]

    found = only(tmp_path, sample(input=asked, choices=["red", "blue"]))
    assert found.trace.request == "Which?\nA) red\nB) blue"


def test_an_agent_that_left_no_message_is_known_by_its_answer(tmp_path: Path) -> None:
    output = {"choices": [{"message": {"role": "assistant", "content": "twelve"}}]}

    asked = {"role": "user", "content": "How many?"}

    steps = only(tmp_path, sample(messages=[asked], output=output)).trace.steps
    assert steps == (Step(Origin.USER, "How many?"), Step(Origin.AGENT, "twelve"))


def test_the_last_word_counts_where_there_is_no_answer(tmp_path: Path) -> None:
    said = [{"role": "assistant", "content": "first"}, {"role": "assistant", "content": "last"}]
    messages = [*said, {"role": "assistant", "reasoning": "silent"}, {"role": "user", "content": "go on"}]

    assert only(tmp_path, sample(messages=messages, output={})).trace.result == "last"


@pytest.mark.parametrize(("total", "sent"), [(140, 130), (110, 100), (None, 130)])
def test_cached_tokens_are_input_and_counted_once(tmp_path: Path, total: int | None, sent: int) -> None:
    used = {"input_tokens": 100, "output_tokens": 10, "input_tokens_cache_read": 20, "input_tokens_cache_write": 10}
    both = {"a": used | {"total_tokens": total, "total_cost": 0.5}, "b": {"output_tokens": 1}, "c": {}}

    assert only(tmp_path, sample(model_usage=both)).trace.usage == Usage(sent, 11, 20, 0.5)


def test_the_solver_is_part_of_the_agent(tmp_path: Path) -> None:
    assert only(tmp_path, sample(), solver="react").trace.agent == "inspect_ai 0.3.133 (react)"


def test_what_is_right_is_never_given_away(tmp_path: Path) -> None:
    found = only(tmp_path, sample("I"))

    assert "GOLD" not in repr(found)


def test_nan_which_is_no_json_stands_for_no_number(tmp_path: Path) -> None:
    path = kept(tmp_path, log(sample("NaN said"), sample(float("nan")), sample(float("-inf"))))
    inside = packed(tmp_path, whole(sample(float("nan"), input="NaN or Infinity?"), sample(float("inf"), id="b")))

    for found in (readings(inspect_log, path)[1:], readings(inspect_log, inside)):
        assert outcomes(found)[Status.UNLABELLED] == len(found)
    assert readings(inspect_log, inside)[0].trace.request == "NaN or Infinity?"
    assert "NaN said" in readings(inspect_log, path)[0].outcome.note


def test_a_log_that_was_not_finished_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    members = whole(sample())
    del members["header.json"]

    assert outcomes(readings(inspect_log, packed(tmp_path, members))) == {Status.SUCCESS: 1}


@pytest.mark.parametrize("document", [log(), {"version": 2, "status": "started", "eval": SPEC}])
def test_a_log_without_samples_has_no_runs(tmp_path: Path, document: Any) -> None:
    assert readings(inspect_log, kept(tmp_path, document)) == []


def test_a_sample_that_was_logged_again_is_read_once_and_as_it_was_last(tmp_path: Path) -> None:
    path = packed(tmp_path, whole(sample("I")))
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("samples/lamps_epoch_1.json", json.dumps(sample("C")))

    assert outcomes(readings(inspect_log, path)) == {Status.SUCCESS: 1}


def test_a_damaged_sample_does_not_hide_the_others(tmp_path: Path) -> None:
    members = whole(sample(), sample(id="bad"), sample(id="torn"), sample(id=""))
    members["samples/torn_epoch_1.json"] = b'{"id": "to'
    path = packed(tmp_path, members, zipfile.ZIP_STORED)
    path.write_bytes(path.read_bytes().replace(b'"id": "bad"', b'"id": "b@d"'))

    found = list(inspect_log.read(Source(path)))

    assert [item.place for item in found if isinstance(item, Refused)] == [
        "samples/bad_epoch_1.json",
        "samples/torn_epoch_1.json",
        "samples/_epoch_1.json",
    ]
    assert [item.reason.split(":")[0] for item in found if isinstance(item, Refused)] == [
        "cannot be unpacked",
        "cut off",
        "no sample",
    ]


def test_a_damaged_member_in_zstandard_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(ZSTD) as archive:
        info = archive.getinfo("samples/lamps_epoch_1.json")
    data = bytearray(ZSTD.read_bytes())
    data[info.header_offset + 200] ^= 255
    path = tmp_path / "log.eval"
    path.write_bytes(data)

    assert [item.place for item in inspect_log.read(Source(path)) if isinstance(item, Refused)] == [info.filename]


def test_an_archive_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    members = whole(*(sample(id=name) for name in "abc"))
    members["samples/b_epoch_1.json"] = b" " * 20_000
    path = packed(tmp_path, members)
    monkeypatch.setattr(inspect_archive, "MAX_MEMBER", 10_000)

    assert [item.place for item in inspect_log.read(Source(path)) if isinstance(item, Refused)] == [
        "samples/b_epoch_1.json"
    ]

    monkeypatch.setattr(inspect_archive, "MAX_TOTAL", 10_000)
    with pytest.raises(Damaged, match="when unpacked"):
        list(inspect_log.read(Source(path)))


def test_members_in_zstandard_are_held_to_the_same_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_archive, "MAX_MEMBER", 3000)

    found = list(inspect_log.read(Source(ZSTD)))
    assert [item for item in found if isinstance(item, Reading)] == []

    monkeypatch.setattr(inspect_archive, "MAX_MEMBER", 700)
    with pytest.raises(Damaged, match="larger than"):
        list(inspect_log.read(Source(ZSTD)))


def test_a_list_of_members_that_would_fill_the_memory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path, whole(*(sample(id=str(which)) for which in range(100))))
    monkeypatch.setattr(inspect_archive, "MAX_DIRECTORY", 5000)

    with pytest.raises(Damaged, match="list of members"):
        inspect_log.recognise(Source(path))


def test_names_of_members_are_no_paths(tmp_path: Path) -> None:
    members = {"samples/../../../escape.json": sample(), **whole()}
    path = packed(tmp_path, members)

    assert outcomes(readings(inspect_log, path)) == {Status.SUCCESS: 1}
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "members",
    [
        {"word/document.xml": b"<x/>"},
        {"header.json": {"eval": SPEC}},
        {"samples/1_epoch_1.json": sample()},
    ],
)
def test_other_archives_are_not_mistaken(tmp_path: Path, members: dict[str, Any]) -> None:
    assert not inspect_log.recognise(Source(packed(tmp_path, members)))


@pytest.mark.parametrize(
    "other", [[], {"status": "success"}, {"eval": SPEC}, {"status": 1, "eval": SPEC}, [log(sample())]]
)
def test_other_documents_are_not_mistaken(tmp_path: Path, other: Any) -> None:
    assert not inspect_log.recognise(Source(kept(tmp_path, other)))


def test_an_archive_that_is_cut_off_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    path.write_bytes(PACKED.read_bytes()[:-500])

    with pytest.raises(Damaged, match="not a ZIP archive"):
        inspect_log.recognise(Source(path))


def test_an_archive_without_a_header_is_damaged(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"neither header\.json"):
        list(inspect_log.read(Source(packed(tmp_path, {"samples/1_epoch_1.json": sample()}))))


def test_an_archive_of_another_method_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match="method 12"):
        list(inspect_log.read(Source(packed(tmp_path, whole(sample()), zipfile.ZIP_BZIP2))))


def test_no_damage_in_a_log_does_more_than_damage_it(tmp_path: Path) -> None:
    call = {"id": "t", "function": "run", "arguments": {"x": "attachment://h"}}
    used = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
    said = [
        {"type": "reasoning", "reasoning": "r"},
        {"type": "tool_use", "name": "w", "arguments": "{}", "result": "x"},
    ]
    answer = {"role": "tool", "tool_call_id": "t", "content": "x", "error": {"type": "x", "message": "y"}}
    choice = {"message": {"id": "a", "content": "12"}}
    valid = log(
        sample(
            {"match": "C", "style": 1},
            messages=[{"id": "a", "role": "assistant", "content": said, "tool_calls": [call]}, answer],
            attachments={"h": "held"},
            choices=["x"],
            model_usage={"m": used},
            limit={"type": "token", "limit": 1},
            error={"message": "boom"},
            events=[{"event": "model", "timestamp": "2025-01-01", "output": {"usage": used, "choices": [choice]}}],
        )
    )
    for wrong in (*mutations(valid), None, [], "x", 7, [None], [[]]):
        source = Source(kept(tmp_path, wrong))
        try:
            found = [*inspect_log.read(source)] if inspect_log.recognise(source) else []
        except Damaged:
            continue
        assert "GOLD" not in repr(found)


def test_no_damage_in_an_archive_does_more_than_damage_it(tmp_path: Path) -> None:
    data = packed(tmp_path, whole(sample(), sample(id="b"))).read_bytes()
    path = tmp_path / "wrong.eval"
    for at in range(0, len(data), 3):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
        source = Source(path)
        try:
            found = [*inspect_log.read(source)] if inspect_log.recognise(source) else []
        except Damaged:
            continue
        assert len(found) <= 2
