"""The kernel calls that nothing inside the sandbox may make, as a program for the kernel's own filter."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass

_RETURN_EPERM = 0x00050001
_RETURN_ALLOW = 0x7FFF0000
_RETURN_KILL = 0x80000000

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
"""Instructions: load a word of what is asked, jump if equal, jump if not below, decide."""

_AT_NUMBER, _AT_ARCHITECTURE, _AT_SECOND_ARGUMENT = 0, 4, 24
_X32 = 0x40000000
_TERMINAL_INPUT = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX: both type into the terminal that a person sits at."""

DENIED: Mapping[str, tuple[int, int]] = {
    # keys of the user's session
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # a second way into the kernel that this filter cannot see
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # mounts and namespaces
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_tree_attr": (467, 467),
    "open_by_handle_at": (304, 265),
    "unshare": (272, 97),
    "setns": (308, 268),
    # large or rarely needed parts of the kernel
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "personality": (135, 92),
    "syslog": (103, 116),
    # the machine itself
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "acct": (163, 89),
}
"""Each call's number on x86_64 and on aarch64."""


@dataclass(frozen=True, slots=True)
class _Architecture:
    audit: int
    column: int
    ioctl: int


_ARCHITECTURES: Mapping[str, _Architecture] = {
    "x86_64": _Architecture(0xC000003E, 0, 16),
    "aarch64": _Architecture(0xC00000B7, 1, 29),
}


def filter_for(machine: str) -> bytes | None:
    """Build the filter for this kind of machine; None where we do not know its numbers.

    It refuses what is on the list and lets the rest through: a list of what is
    allowed would break programs nobody thought of. A call made as for another
    architecture has other numbers, so whoever makes one is killed.
    """
    if machine not in _ARCHITECTURES:
        return None
    this = _ARCHITECTURES[machine]
    program = _do(_LOAD, _AT_ARCHITECTURE)
    program += _do(_EQUAL, this.audit, met=1) + _do(_RETURN, _RETURN_KILL)
    program += _do(_LOAD, _AT_NUMBER)
    if machine == "x86_64":  # the same architecture to the kernel, with numbers of its own
        program += _do(_AT_LEAST, _X32, unmet=1) + _do(_RETURN, _RETURN_EPERM)
    for numbers in DENIED.values():
        program += _do(_EQUAL, numbers[this.column], unmet=1) + _do(_RETURN, _RETURN_EPERM)
    program += _do(_EQUAL, this.ioctl, met=1) + _do(_RETURN, _RETURN_ALLOW)
    # The kernel looks at 32 bits of the request and no more, and so do we.
    program += _do(_LOAD, _AT_SECOND_ARGUMENT)
    for request in _TERMINAL_INPUT:
        program += _do(_EQUAL, request, unmet=1) + _do(_RETURN, _RETURN_EPERM)
    return program + _do(_RETURN, _RETURN_ALLOW)


def _do(code: int, value: int, *, met: int = 0, unmet: int = 0) -> bytes:
    """Encode one instruction; `met` and `unmet` say how many of the next ones to jump over."""
    return struct.pack("=HBBI", code, met, unmet, value)
