# SPDX-License-Identifier: Apache-2.0
"""One side of folder_model.py, in a box or on the host: does in the directory that it is given what each line of its
standard input says, and answers with a line."""
import ctypes
import errno
import fcntl
import json
import mmap
import os
import stat
import struct
import sys
import zlib

C = ctypes.CDLL(None, use_errno=True)
C.mmap.restype = ctypes.c_void_p
C.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
C.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
C.msync.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
C.write.argtypes = C.read.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t]
C.write.restype = C.read.restype = ctypes.c_ssize_t
C.fallocate.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long]
MAPPED = 4 * mmap.PAGESIZE
LARGEST = 1 << 20
# Times of before are such as a step has set; any other is only "now", as no two directories have the same.
LONG_AGO = 10**18
INOTIFY_MASK = 0x2 | 0x4 | 0x8 | 0x40 | 0x80 | 0x100 | 0x200  # modify, attrib, close_write, from, to, create, delete


def check(result):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def stamped(stamp, size):
    """Bytes that tell which step wrote them."""
    return (f"{stamp:06d}|".encode() * (size // 7 + 1))[:size]


def status_of(status):
    kind = stat.S_IFMT(status.st_mode)
    when = status.st_mtime_ns if status.st_mtime_ns < LONG_AGO else "now"
    mine = status.st_uid == os.getuid() and status.st_gid == os.getgid()
    size = None if kind == stat.S_IFDIR else status.st_size
    return [oct(status.st_mode), status.st_nlink, size, when, mine]


def content_of(fd):
    """How long it is, and what tells its content from any other."""
    data = os.pread(fd, LARGEST, 0)
    return [len(data), zlib.crc32(data)]


class Steps:
    """What changes something."""

    def __init__(self, root):
        os.chdir(root)
        os.umask(0o022)
        self.open_files, self.maps = {}, {}
        self.barrier_fd = os.open(".barrier", os.O_RDWR)

    def barrier(self, how):
        """Who has got a lock sees all that was done until then."""
        if how == "flock":
            fcntl.flock(self.barrier_fd, fcntl.LOCK_EX)
            fcntl.flock(self.barrier_fd, fcntl.LOCK_UN)
        else:
            fcntl.lockf(self.barrier_fd, fcntl.LOCK_EX)
            fcntl.lockf(self.barrier_fd, fcntl.LOCK_UN)

    def open(self, slot, path, flags, mode):
        fd = os.open(path, flags | os.O_CLOEXEC | os.O_NONBLOCK, mode)
        self.open_files[slot] = fd

    def open_nameless(self, slot, path):
        self.open_files[slot] = os.open(path, os.O_TMPFILE | os.O_RDWR, 0o644)

    def close(self, slot):
        if slot in self.maps:
            C.munmap(self.maps.pop(slot), MAPPED)
        os.close(self.open_files.pop(slot))

    def write(self, slot, offset, size, stamp):
        return os.pwrite(self.open_files[slot], stamped(stamp, size), offset)

    def write_by_name(self, path, offset, size, stamp, flags):
        fd = os.open(path, flags | os.O_WRONLY | os.O_NONBLOCK, 0o644)
        try:
            return os.pwrite(fd, stamped(stamp, size), offset)
        finally:
            os.close(fd)

    def replace(self, path, size, stamp):
        """As editors do: a new file takes the name."""
        self.write_by_name(f"{path}.new", 0, size, stamp, os.O_CREAT | os.O_TRUNC)
        try:
            os.rename(f"{path}.new", path)
        except OSError:
            os.unlink(f"{path}.new")
            raise

    def truncate(self, path, size):
        os.truncate(path, size)

    def truncate_open(self, slot, size):
        os.ftruncate(self.open_files[slot], size)

    def rename(self, path, other, flags):
        check(C.renameat2(-100, os.fsencode(path), -100, os.fsencode(other), flags))

    def unlink(self, path):
        os.unlink(path)

    def link(self, path, other):
        os.link(path, other, follow_symlinks=False)

    def symlink(self, target, path):
        os.symlink(target, path)

    def mkdir(self, path, mode):
        os.mkdir(path, mode)

    def rmdir(self, path):
        os.rmdir(path)

    def chmod(self, path, mode):
        os.chmod(path, mode)

    def chmod_open(self, slot, mode):
        os.fchmod(self.open_files[slot], mode)

    def utime(self, path, when, follow):
        os.utime(path, ns=(when, when), follow_symlinks=follow)

    def set_attribute(self, path, name, value):
        os.setxattr(path, name, value.encode())

    def remove_attribute(self, path, name):
        os.removexattr(path, name)

    def map(self, slot, may_write):
        access = mmap.PROT_READ | (mmap.PROT_WRITE if may_write else 0)
        address = C.mmap(None, MAPPED, access, mmap.MAP_SHARED, self.open_files[slot], 0)
        if address == ctypes.c_void_p(-1).value:
            check(-1)
        if slot in self.maps:
            C.munmap(self.maps[slot], MAPPED)
        self.maps[slot] = address

    def write_mapped(self, slot, offset, size, stamp):
        """By the kernel, out of a pipe: what is behind the file's end is an error then, and no signal."""
        reader, writer = os.pipe()
        try:
            os.write(writer, stamped(stamp, size))
            check(C.read(reader, self.maps[slot] + offset, size))
        finally:
            os.close(reader)
            os.close(writer)
            check(C.msync(self.maps[slot], MAPPED, 4))  # also what was stored before the end

    def allocate(self, slot, mode, offset, size):
        check(C.fallocate(self.open_files[slot], mode, offset, size))

    def copy(self, slot, other, offset, to, size):
        return os.copy_file_range(self.open_files[slot], self.open_files[other], size, offset, to)

    def sync(self, slot):
        os.fsync(self.open_files[slot])

    def flock(self, slot, how):
        """Of a file: a directory's does not leave the box (docs/explanation/folders.md)."""
        if stat.S_ISDIR(os.fstat(self.open_files[slot]).st_mode):
            return "a directory"
        fcntl.flock(self.open_files[slot], how | (0 if how == fcntl.LOCK_UN else fcntl.LOCK_NB))

    def lock_range(self, slot, how, start, size):
        fcntl.lockf(self.open_files[slot], how | (0 if how == fcntl.LOCK_UN else fcntl.LOCK_NB), size, start)


class Looks(Steps):
    """What changes nothing."""

    def status(self, path):
        return status_of(os.lstat(path))

    def content(self, path):
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return [status_of(os.fstat(fd)), content_of(fd)]
        finally:
            os.close(fd)

    def names(self, path):
        return sorted(os.listdir(path))

    def target(self, path):
        return os.readlink(path)

    def attributes(self, path):
        found = sorted(name for name in os.listxattr(path) if name.startswith("user."))
        return [[name, os.getxattr(path, name).decode()] for name in found]

    def open_file(self, slot):
        fd = self.open_files[slot]
        status = os.fstat(fd)
        if stat.S_ISDIR(status.st_mode):
            return [status_of(status), sorted(os.listdir(fd))]
        is_readable = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_WRONLY
        return [status_of(status), content_of(fd) if is_readable else None]

    def sent(self, slot):
        """By sendfile, which goes by how long the kernel thinks that the file is: nothing asks before."""
        fd = self.open_files[slot]
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_WRONLY:
            return None
        copy = os.memfd_create("sent")
        try:
            while os.sendfile(copy, fd, os.lseek(copy, 0, os.SEEK_CUR), LARGEST):
                pass
            return content_of(copy)
        finally:
            os.close(copy)

    def mapped(self, slot):
        """As far as the file goes: what is behind its end in the last page is nobody's. Again the kernel reads, which is
        not killed there. How long the file is by now has to be asked for."""
        size = os.fstat(self.open_files[slot]).st_size
        data = b""
        reader, writer = os.pipe()
        for at in range(0, MAPPED, mmap.PAGESIZE):
            got = C.write(writer, self.maps[slot] + at, mmap.PAGESIZE)
            if got <= 0:
                break
            data += os.read(reader, got)
        os.close(reader)
        os.close(writer)
        return [size, len(data), zlib.crc32(data[:size])]

    def names_of(self, slot):
        status = os.fstat(self.open_files[slot])
        return [status.st_ino, status.st_nlink]

    def open_anew(self):
        """What is opened anew shows what the host does not tell: what was stored through mappings. How often that was refused."""
        refused = 0
        for fd in self.open_files.values():
            try:
                os.close(os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK))
            except OSError:
                refused += 1
        return refused

    def tree(self):
        found = {}
        for where, directories, files in os.walk("."):
            for name in (*directories, *files):
                path = os.path.join(where, name)
                found[path] = [self.answer("status", {"path": path})]
                if stat.S_ISREG(os.lstat(path).st_mode):
                    found[path].append(self.answer("content", {"path": path}))
        return found

    def bytes_of(self, path, slot):
        """For the reader of a failure: runs of what each step wrote."""
        fd = self.open_files[slot] if path is None else os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        data = os.pread(fd, LARGEST, 0)
        if path is not None:
            os.close(fd)
        runs, begin = [], 0
        for at in range(0, len(data), 64):
            piece = data[at:at + 64]
            digits = "".join(sorted(set(chr(byte) for byte in piece if chr(byte).isdigit())))
            if not runs or runs[-1][1] != digits:
                begin = at
                runs.append([begin, digits, piece[:14].decode("latin-1")])
        return runs

    def answer(self, name, arguments):
        try:
            return {"result": getattr(self, name)(**arguments)}
        except OSError as error:
            return {"errno": errno.errorcode.get(error.errno, error.errno)}


class AtOnce(Looks):
    """What all sides do at the same time."""

    def work(self, who, number, sides, count):
        wrong = []
        ranges = os.open("ranges", os.O_RDWR)
        for i in range(count):
            self.append_record(who, i)
            self.write_range(ranges, number, sides, i, wrong)
            self.rename_own(who, i, wrong)
            os.close(os.open(f"watched/{who}-{i}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
        os.close(ranges)
        return wrong

    def append_record(self, who, i):
        fd = os.open(f"log{i % 2}", os.O_WRONLY | os.O_APPEND)
        record = f"{who} {i} ".encode() + stamped(i, i * 131 % 5000)
        os.write(fd, record + b" %08x\n" % zlib.crc32(record))
        os.close(fd)

    def write_range(self, fd, number, sides, i, wrong):
        """Neighbours in the same page are of others, who write at the same time."""
        size = 1000
        offset = (i * sides + number) * size
        data = stamped(i * sides + number, size)
        os.pwrite(fd, data, offset)
        if os.pread(fd, size, offset) != data:
            wrong.append(f"range {i} of {number} is not what was just written")

    def rename_own(self, who, i, wrong):
        for name in range(3):
            os.rename(f"names/{who}-{name}-{i}", f"names/{who}-{name}-{i + 1}")
        found = sorted(name for name in os.listdir("names") if name.startswith(who))
        if found != [f"{who}-{name}-{i + 1}" for name in range(3)]:
            wrong.append(f"after rename {i}: {found}")

    def watch(self, path):
        self.inotify = check(C.inotify_init1(os.O_NONBLOCK))
        check(C.inotify_add_watch(self.inotify, os.fsencode(path), INOTIFY_MASK))

    def heard(self):
        """Names of what came to be, and whether it may be that not all was told."""
        names, is_whole = [], True
        try:
            data = os.read(self.inotify, 1 << 20)
        except BlockingIOError:
            return [names, is_whole]
        while data:
            _, mask, _, size = struct.unpack_from("iIII", data)
            name = data[16:16 + size].rstrip(b"\0").decode()
            if mask & (0x100 | 0x80):
                names.append(name)
            is_whole = is_whole and not mask & 0x4000 and not (mask & 0x4 and not name)
            data = data[16 + size:]
        return [names, is_whole]


def main():
    actor = AtOnce(sys.argv[1])
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(actor.answer(name, arguments)), flush=True)


main()
