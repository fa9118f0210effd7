# SPDX-License-Identifier: Apache-2.0
"""The network of a box beside QEMU's own user network (slirp) and passt, each in a machine with the same kernel,
processor model and root file system."""
import contextlib
import functools
import pathlib
import shutil
import socket
import subprocess
import threading

from plain_machine import Disk, PlainMachine
from timing import Table, interleaved

GUEST_TOOLS = pathlib.Path(__file__).parent / "guest"
BOX_HOST = "host.boxlite.internal"
SECONDS = 5             # of each stream
CONNECTIONS = 300       # one after another
ROUND_TRIPS = 2000      # on one connection
FLOWS, AT_ONCE = 1000, 50
MANY_RULES = 200


class EchoServer:
    """Answers every byte with itself, on the host's loopback."""

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self._echo, args=[self.listener.accept()[0]], daemon=True).start()

    @staticmethod
    def _echo(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65536):
                connection.sendall(data)

    def __exit__(self, *_):
        self.listener.close()


@contextlib.contextmanager
def stream_server():
    """iperf3 on a free port of the host's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    process = subprocess.Popen(["iperf3", "-s", "-B", "127.0.0.1", "-p", str(port), "--forceflush"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        while "listening" not in process.stdout.readline():
            pass
        threading.Thread(target=process.stdout.read, daemon=True).start()
        yield port
    finally:
        process.kill()
        process.wait()


def gather_tools(directory):
    """What the guests run: iperf3 with its libraries, and our own client."""
    directory.mkdir()
    iperf3 = shutil.which("iperf3")
    libraries = [word for line in subprocess.run(["ldd", iperf3], check=True, capture_output=True, text=True).stdout.splitlines()
                 for word in line.split() if word.startswith("/")]
    for file in (iperf3, *libraries):
        if "ld-linux" not in file and "libc.so" not in file:
            shutil.copy(file, directory)
    for file in GUEST_TOOLS.iterdir():
        shutil.copy(file, directory)
    shutil.copy("/bin/busybox", directory)
    return directory


class Box:
    """A contestant: guest(tool, args) runs a tool of /net in it and returns its output."""

    def __init__(self, bench, name, image, tools, *options):
        self.bench, self.name, self.host = bench, name, BOX_HOST
        bench.call("run", "-d", "--name", name, "--memory", "512m", *options, image, "sleep", "100000")
        bench.call("cp", "-q", f"{tools}/.", f"{name}:/net")

    def guest(self, *command):
        return self.bench.call("exec", "-e", "LD_LIBRARY_PATH=/net", self.name, *command)

    def shim(self):
        """Open files and resident MiB of the process that is the box's network."""
        pid = self.bench.inspect(self.name)["State"]["Pid"]
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        return pathlib.Path(f"/proc/{pid}/fd").stat().st_size, resident / 1024

    def close(self):
        self.bench.call("rm", "-f", self.name)


def measure(contestants, rounds, figure):
    results = interleaved(rounds, *(functools.partial(figure, contestant) for contestant in contestants.values()))
    return dict(zip(contestants, results))


def show(title, unit, results, peer):
    table = Table(title, unit)
    for name, samples in results.items():
        table.add(name, samples, results[peer] if name != peer else None)
    table.show()
    return table


def throughput(contestant, port, *options):
    output = contestant.guest("/net/iperf3", "-c", contestant.host, "-p", str(port), "-t", str(SECONDS), "-f", "m", *options)
    line = [line for line in output.splitlines() if line.rstrip().endswith("receiver")][-1].split()
    return float(line[line.index("Mbits/sec") - 1])


def client(contestant, what, port, *args):
    return float(contestant.guest("python3", "/net/client.py", what, contestant.host, str(port), *map(str, args)))


def churn(box, port):
    """Many flows after one another, in a few waves; then the shim must have what it had before."""
    box.guest("python3", "/net/client.py", "flows", box.host, str(port), "50", str(AT_ONCE))
    files, resident = box.shim()
    rate = client(box, "flows", port, FLOWS, AT_ONCE)
    files_after, resident_after = box.shim()
    print(f"\n{FLOWS} flows, {AT_ONCE} at once: {rate:.0f} flows/s; open files of the shim {files} before, {files_after} after;"
          f" resident {resident:.1f} MiB before, {resident_after:.1f} after")
    if files_after > files:
        raise SystemExit("the shim keeps descriptors of flows that have ended")


def network(bench, image):
    tools = gather_tools(bench.directory / "net-tools")
    disk = Disk(bench.directory / "net-disk", bench.rootfs, tools)
    share = pathlib.Path(bench.command[0]).parent.parent / "share/boxlite"
    rules = [word for number in range(MANY_RULES) for word in ("--allow-net", f"tcp:name{number}.example:443")]
    with EchoServer() as echo, stream_server() as streams, contextlib.ExitStack() as stack:
        def enter(contestant):
            stack.callback(contestant.close)
            return contestant
        ports = f"tcp:{BOX_HOST}:{streams},{echo.port}"
        box = enter(Box(bench, "net", image, tools, "--allow-net", "*", "--allow-net", ports))
        ruled = enter(Box(bench, "ruled", image, tools, *rules, "--allow-net", ports))
        slirp = enter(PlainMachine(bench.directory / "slirp", share, disk, "slirp"))
        passt = enter(PlainMachine(bench.directory / "passt", share, disk, "passt"))
        slirp_name, rounds = "QEMU -netdev user (slirp)", max(3, bench.rounds // 3)
        all_three = {"boxlite": box, slirp_name: slirp, "passt": passt}
        with_rules = {"boxlite": box, f"boxlite, {MANY_RULES} rules": ruled, slirp_name: slirp, "passt": passt}
        tables = [
            show("One stream, guest to host", "Mbit/s", measure(all_three, rounds, lambda c: throughput(c, streams)), slirp_name),
            show("One stream, host to guest", "Mbit/s", measure(all_three, rounds, lambda c: throughput(c, streams, "-R")),
                 slirp_name),
            show("Connections, one after another: connect, one byte there and back, close", "per second",
                 measure(with_rules, rounds, lambda c: client(c, "connections", echo.port, CONNECTIONS)), slirp_name),
            show("One byte there and back on an open connection", "us",
                 measure(with_rules, rounds, lambda c: client(c, "round_trips", echo.port, ROUND_TRIPS)), slirp_name)]
        churn(box, echo.port)
    return tables
