"""What `pip install` gives a person: the wheel, built, installed elsewhere and run."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(place), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(place.glob("*.whl"))


def test_the_wheel_carries_every_template_and_hook(wheel: Path) -> None:
    names = {name.removeprefix("gitskill/") for name in zipfile.ZipFile(wheel).namelist()}
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "templates", "hooks"], capture_output=True, text=True, check=True
    ).stdout.split()

    assert len(tracked) >= 6
    assert set(tracked) <= names


def test_the_installed_program_runs_without_the_checkout(wheel: Path, tmp_path: Path) -> None:
    clean = tmp_path / "clean"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(clean)], check=True)
    python = clean / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel)]
    subprocess.run(install, check=True)
    # Dependencies come from this environment; a path file inside that path is not followed, so our own
    # editable installation stays out of sight.
    site = clean / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    demo = subprocess.run(
        [str(clean / "bin" / "gitskill"), "demo", "--keep", str(tmp_path / "demo")],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    where = subprocess.run(
        [str(python), "-c", "import gitskill; print(gitskill.__file__)"],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(where.stdout.strip()).is_relative_to(site)
    assert demo.returncode == 0, demo.stderr
    assert "33 lessons = 17 merged + 14 folded + 2 held" in demo.stdout
    assert "rollback to v1.0.0" in demo.stdout
