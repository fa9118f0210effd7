#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The network of a box with programs that are not ours: curl, Python, requests and Node in the box verify the inspected
server by the trust store that the agent made, each with a secret that it does not see; tshark reads what was captured. And the
limits on its traffic hold."""
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

from home import Home

HOST = "host.boxlite.internal"
VALUE = "v3ry-s3cret-value-0123456789"
IMAGE = "debian:python"

CLIENTS = {
    "curl": ["curl", "-sS", "-f", "-H", "Authorization: Bearer <BOXLITE_SECRET:key>"],
    "curl-http1": ["curl", "-sS", "-f", "--http1.1", "-H", "Authorization: Bearer <BOXLITE_SECRET:key>"],
    "python": ["python3", "-c", "import os, sys, urllib.request as r; print(r.urlopen(r.Request(sys.argv[1], headers="
               "{'Authorization': 'Bearer ' + os.environ['BOXLITE_SECRET_KEY']})).read().decode())"],
    "requests": ["python3", "-c", "import os, sys, requests; print(requests.get(sys.argv[1], headers="
                 "{'Authorization': 'Bearer ' + os.environ['BOXLITE_SECRET_KEY']}).text)"],
    "node": ["node", "-e", "fetch(process.argv[1], {headers: {Authorization: 'Bearer ' + process.env.BOXLITE_SECRET_KEY}})"
             ".then(r => r.text()).then(console.log)"],
}

ASK_AND_CONNECT = """
import socket, sys
try:
    socket.getaddrinfo("refused.example", 80)
except socket.gaierror:
    socket.create_connection((sys.argv[1], int(sys.argv[2]))).sendall(b"hello")
"""


def make_authority(directory):
    """An authority of the test's own, and a certificate of it for the host's name."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=test authority", "-days", "2")
    openssl("req", *curve, "-keyout", "server.key", "-out", "server.csr", "-subj", f"/CN={HOST}")
    (directory / "names").write_text(f"subjectAltName=DNS:{HOST}\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "server.pem",
            "-days", "2", "-extfile", "names")


class Server:
    """Keeps what each path was asked with."""

    def __init__(self, directory):
        self.asked = {}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(handler):  # noqa: N805, the server is `self`
                self.asked[handler.path] = handler.headers.get("Authorization")
                handler.send_response(200)
                handler.send_header("Content-Length", "3")
                handler.end_headers()
                handler.wfile.write(b"ok\n")

            def log_message(handler, *_):  # noqa: N805
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(directory / "server.pem", directory / "server.key")
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def gather_programs(directory):
    """The host's curl, Node and requests, with their libraries: the box is the same Debian."""
    libraries = directory / "lib"
    libraries.mkdir(parents=True)
    for name in ("curl", "node"):
        program = shutil.which(name)
        shutil.copy(program, directory)
        listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
        for word in listed.split():
            if word.startswith("/") and "ld-linux" not in word and "/libc.so" not in word:
                shutil.copy(word, libraries)
    for package in ("requests", "urllib3", "idna", "chardet", "charset_normalizer", "certifi", "six.py"):
        found = pathlib.Path("/usr/lib/python3/dist-packages") / package
        if found.is_dir():
            shutil.copytree(found, directory / "python" / package, symlinks=False)
        elif found.exists():
            shutil.copy(found, directory / "python")
    return directory


def clients_are_served(home, server):
    for name, command in CLIENTS.items():
        home.call("exec", "-e", "PATH=/peers:/usr/bin:/bin", "-e", "LD_LIBRARY_PATH=/peers/lib", "-e", "PYTHONPATH=/peers/python",
                  "agent", *command, f"https://{HOST}:{server.port}/{name}")
        if server.asked.get(f"/{name}") != f"Bearer {VALUE}":
            raise AssertionError(f"{name}: the server was told {server.asked.get(f'/{name}')!r}")
    if VALUE in home.call("exec", "agent", "env"):
        raise AssertionError("the box has the value in its environment")


def capture_is_sound(home, server):
    """tshark, which is strict about what it reads, finds the connection and nothing malformed."""
    def fields(*options):
        done = subprocess.run(["tshark", "-r", str(file), *options], capture_output=True, text=True, check=False)
        return done.stdout.split()
    with home.capture("agent") as file:
        home.call("exec", "agent", "python3", "-c", ASK_AND_CONNECT, HOST, str(server.port))
        home.wait_until(lambda: fields("-Y", f"tcp.flags.fin==1 && tcp.dstport=={server.port}", "-T", "fields", "-e", "ip.dst"),
                        "the connection is in the capture")
    if "refused.example" not in fields("-Y", "dns.flags.response==1", "-T", "fields", "-e", "dns.qry.name"):
        raise AssertionError("the look-up is not in the capture")
    if malformed := fields("-Y", "_ws.malformed"):
        raise AssertionError(f"tshark finds malformed packets: {' '.join(malformed)}")


class ByteServer:
    """Gives each client a million bytes, or takes what it sends; says how many came and how long that took."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def give(self, count):
        connection, _ = self.listener.accept()
        with connection:
            connection.sendall(bytes(count))

    def take(self):
        connection, _ = self.listener.accept()
        with connection:
            began, count = time.monotonic(), 0
            while piece := connection.recv(1 << 16):
                count += len(piece)
        return count, time.monotonic() - began


def rates_hold(home):
    """4,000 kbit/s are half a megabyte a second, each way; a bucket may give some of it at once."""
    count, least = 1_000_000, 1.5
    server = ByteServer()
    home.call("run", "-d", "--name", "slow", "--net-rx", "4000", "--net-tx", "4000",
              "--allow-net", f"{HOST}:{server.port}", "--", "sleep", "100000")
    threading.Thread(target=server.give, args=[count], daemon=True).start()
    began = time.monotonic()
    received = home.call("exec", "slow", "sh", "-c", f"nc {HOST} {server.port} </dev/null | wc -c")
    if int(received) != count or time.monotonic() - began < least:
        raise AssertionError(f"--net-rx: {received.strip()} bytes in {time.monotonic() - began:.2f} s")
    sender = home.spawn("exec", "slow", "sh", "-c", f"head -c {count} /dev/zero | nc {HOST} {server.port}")
    sent, took = server.take()
    sender.communicate(timeout=60)
    if sent != count or took < least:
        raise AssertionError(f"--net-tx: {sent} bytes in {took:.2f} s")
    home.call("rm", "-f", "slow")


def log_says_what_happened(home, server):
    records = [json.loads(line) for line in home.call("network", "log", "agent", "--format", "json").splitlines()]
    if not any(record["type"] == "flow" and record["verdict"] == "allow" and record["port"] == server.port for record in records):
        raise AssertionError("the log has no allowed flow to the server")


def main():
    with Home(sys.argv[1]) as home:
        work = home.path / "work"
        work.mkdir()
        make_authority(work)
        server = Server(work)
        home.call("load", "-q", "-i", sys.argv[2])
        os.environ["SECRET_OF_THE_TEST"] = VALUE
        home.call("run", "-d", "--name", "agent", "--memory", "1g", "--allow-net", f"{HOST}:{server.port}",
                  "--secret", f"key=env:SECRET_OF_THE_TEST@{HOST}:{server.port}", "--secret-ca", str(work / "ca.pem"),
                  IMAGE, "sleep", "100000")
        home.call("cp", "-q", f"{gather_programs(work / 'peers')}/.", "agent:/peers")
        clients_are_served(home, server)
        capture_is_sound(home, server)
        log_says_what_happened(home, server)
        rates_hold(home)
        home.call("rm", "-f", "agent")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")


if __name__ == "__main__":
    main()
