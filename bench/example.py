"""Write docs/example.md: what `gitskill evolve` makes of real runs without a model, and whose word each line is.

    python bench/example.py > docs/example.md

The runs lie outside the repository, in ../shared/data/trajectories.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

RUNS = Path(__file__).parents[2] / "shared" / "data" / "trajectories"
SETS = ("intercode-bash", "mini-swe-agent")
SKILL = """\
---
name: shell
description: Work in a Linux shell. Use for tasks that find, count, move or change files.
---

# Shell

## Before finishing

- Look at what you made before you say that it is done.
"""
WHEN = "1763700000"


def main() -> None:
    """Print the page."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / "shell"
        folder.mkdir()
        (folder / "SKILL.md").write_text(SKILL)
        gitskill(folder, "init")
        sets = [word for name in SETS for word in ("--traces", str(RUNS / name))]
        evolved = gitskill(folder, "evolve", "--offline", *sets)
        skill = git(folder, "show", "gitskill/r0001/evolved:SKILL.md")
        blame = gitskill(folder, "blame", "--rev", "r0001", "SKILL.md")
        rare = git(folder, "show", "gitskill/r0001/evolved:references/shell-commands.md")
        best = gitskill(folder, "show", _first(evolved))
    told = {"evolved": evolved, "skill": skill, "rare": rare, "best": best, "blame": blame}
    print(PAGE.format(**{name: text.strip() for name, text in told.items()}), end="")


PAGE = """\
# An example

Made by `python bench/example.py` from 212 public runs: 200 of InterCode's bash tasks and 12 of mini-swe-agent.
No model was asked, so every word below was put together by code from what stands in the runs. What such rules are
worth: [how they were judged](offline-lessons.md).

The skill began with one line of advice. After `gitskill evolve`:

```
{evolved}
```

The evolved `SKILL.md`:

```markdown
{skill}
```

Whose word each line is (`gitskill blame --rev r0001 SKILL.md`): the lessons that say it, and how many of the 212 runs
taught them.

```
{blame}
```

One of them (`gitskill show`):

```
{best}
```

What only one run taught stands in `references/shell-commands.md`, which `SKILL.md` links:

```markdown
{rare}
```
"""


def _first(evolved: str) -> str:
    """Give the best supported lesson."""
    row = next(line for line in evolved.splitlines() if "/2" in line and " l0" in line)
    return f"r0001/{row.split()[1]}"


def gitskill(folder: Path, *words: str) -> str:
    """Run the program."""
    return _run(sys.executable, "-c", "from gitskill.cli.main import main; main()", "-C", str(folder), *words)


def git(folder: Path, *words: str) -> str:
    """Run git."""
    return _run("git", "-C", str(folder), *words)


def _run(*command: str) -> str:
    somebody = {"NAME": "You", "EMAIL": "you@example.com"}
    person = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in somebody.items()}
    foreign = ("GIT_", "OPENAI_", "GITSKILL_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    sealed = {"SOURCE_DATE_EPOCH": WHEN, "GIT_CONFIG_GLOBAL": os.devnull, "GITSKILL_CONFIG": os.devnull}
    return subprocess.run(command, check=True, text=True, env=kept | person | sealed, capture_output=True).stdout


if __name__ == "__main__":
    main()
