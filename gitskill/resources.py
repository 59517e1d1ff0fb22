"""Files that travel with gitskill: `templates/` and `hooks/`, in a checkout or an installation."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template

_PACKAGE = files("gitskill")


def resource(path: str) -> Traversable:
    """Find `templates/…` or `hooks/…`: inside the package once installed, beside it in a checkout."""
    installed = _PACKAGE.joinpath(path)
    return installed if installed.is_file() or installed.is_dir() else _PACKAGE.joinpath("..", path)


def fill(path: str, **values: str) -> str:
    """Fill the `$names` of a template in one pass, or raise KeyError or ValueError: its names must be just these."""
    template = Template(resource(path).read_text(encoding="utf-8"))
    if unused := values.keys() - set(template.get_identifiers()):
        raise KeyError(f"{path} has no place for {', '.join(sorted(unused))}")
    return template.substitute(values)
