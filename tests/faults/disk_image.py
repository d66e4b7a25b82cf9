"""An ext4 file system in an image, whose power can be cut: what was not synced is gone, as after a real cut.

EXT4_IOC_SHUTDOWN with NOLOGFLUSH stops the file system at once: nothing in memory gets to the image any more, neither
data nor the file system's own journal. It needs root, loop devices and e2fsprogs.
"""

import contextlib
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess

import pytest

EXT4_IOC_SHUTDOWN = 0x8004587D
NOLOGFLUSH = struct.pack("=I", 2)


def run(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


class Disk:
    def __init__(self, folder, megabytes):
        self.image = folder / "disk.img"
        self.place = folder / "disk"
        self.place.mkdir()
        with open(self.image, "wb") as file:
            file.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", self.image)
        self.plug_in()

    def plug_in(self):
        run("mount", "-o", "loop", self.image, self.place)

    def cut(self):
        """The power goes; nothing writes any more."""
        fd = os.open(self.place, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, EXT4_IOC_SHUTDOWN, NOLOGFLUSH)
        finally:
            os.close(fd)

    def unplug(self):
        run("umount", self.place)

    def restart(self):
        """The power comes back: the file system repairs itself from its journal."""
        self.unplug()
        self.plug_in()


@contextlib.contextmanager
def disk(folder, megabytes=32):
    """A disk of one's own, or the test is skipped with the reason."""
    if os.geteuid() != 0 or not shutil.which("mkfs.ext4"):
        pytest.skip("a disk whose power is cut needs root and mkfs.ext4")
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    try:
        one = Disk(folder, megabytes)
    except OSError as problem:
        pytest.skip(f"no disk image can be mounted here: {problem}")
    try:
        yield one
    finally:
        with contextlib.suppress(OSError):
            one.unplug()
