# SPDX-FileCopyrightText: 2026 the Colonnade authors
# SPDX-License-Identifier: BSD-3-Clause

"""The smallest image that there is: one program, which ends at once with exit status 0.

An engine that answers may still be unable to start anything: within another container it often may not
set limits, mount or make name spaces. A run of this image says so before minutes are spent on a build.
"""

import io
import struct
import tarfile

PROGRAM = "/true"

# ELF's number of the machine (System V ABI), and exit(0) as its Linux wants it, by the name that engines
# have for the architecture.
_MACHINES = {
    # xor edi, edi; mov eax, 60; syscall
    "amd64": (62, bytes.fromhex("31ff b83c000000 0f05")),
    # mov x8, 93; mov x0, 0; svc 0
    "arm64": (183, struct.pack("<3I", 0xD2800BA8, 0xD2800000, 0xD4000001)),
    # li a7, 93; li a0, 0; ecall
    "riscv64": (243, struct.pack("<3I", 0x05D00893, 0x00000513, 0x00000073)),
}
_ADDRESS = 0x400000
_HEADERS = 64 + 56


def trial_image(architecture: str) -> bytes | None:
    """An archive of the files of an image in which `PROGRAM` is.

    Args:
        architecture: as Docker's protocol names it, such as `amd64`.

    Returns:
        The archive, for an engine to import; None for an architecture that is none of ours.
    """
    if architecture not in _MACHINES:
        return None
    content = _program(*_MACHINES[architecture])
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        entry = tarfile.TarInfo(PROGRAM.lstrip("/"))
        entry.size, entry.mode = len(content), 0o755
        files.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _program(machine: int, code: bytes) -> bytes:
    size = _HEADERS + len(code)
    kind, version, flags = 2, 1, 0
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        b"\x7fELF\x02\x01\x01",
        *(kind, machine, version, _ADDRESS + _HEADERS),
        *(64, 0, flags),
        *(64, 56, 1, 0, 0, 0),
    )
    load, read_and_execute, page = 1, 5, 0x1000
    segment = struct.pack(
        "<IIQQQQQQ", load, read_and_execute, 0, _ADDRESS, _ADDRESS, size, size, page
    )
    return header + segment + code
