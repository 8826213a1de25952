"""What Python's audit events say of a process: connections, other programs, code from files, and writing elsewhere.

Imports nothing but the standard library's `os` and `sys`, so that it can watch everything else being imported.
"""

import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod"}
FORBIDDEN = (
    "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostby", "urllib.Request", "os.system",
    "subprocess.Popen", "os.exec", "os.posix_spawn", "os.fork", "os.startfile", "pickle.find_class",
)  # fmt: skip
BYTECODE = "__pycache__"  # of modules that are imported for the first time


class Watch:
    """Notes what is objected to, as (event, its arguments). A hook stays for the life of the process: `is_on` turns it
    off and on. folders: where files may be written."""

    def __init__(self, *folders):
        self.folders = [os.path.realpath(folder) for folder in folders]
        self.seen = []
        self.is_on = True
        sys.addaudithook(self._note)

    def _note(self, event, args):
        if not self.is_on or (event == "socket.bind" and args[1][:2] == ("::1", 0)):
            return  # urllib3 asks on import whether the machine has IPv6; nothing listens there
        if event.startswith(FORBIDDEN):
            objected = True
        elif event == "open":
            objected = isinstance(args[2], int) and args[2] & WRITING and self._is_outside(args[0])
        else:
            objected = event in CHANGES and any(map(self._is_outside, args[:2]))
        if objected:
            self.seen.append((event, repr(args)[:300]))

    def _is_outside(self, path):
        if not isinstance(path, (str, bytes, os.PathLike)):
            return False  # a descriptor that was opened before
        path = os.path.realpath(os.fsdecode(path))
        is_inside = any(os.path.commonpath([path, folder]) == folder for folder in self.folders)
        return not is_inside and path != os.devnull and BYTECODE not in path.split(os.sep)
