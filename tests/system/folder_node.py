#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A project of Node's on a folder: npm in the box installs it from a cache on the folder, bit by bit what npm on the host
installs; and Vite in the box tells a browser, unasked and at once, what was edited on the host.
   folder_node.py BOXLITE IMAGE.tar PROJECT (as scripts/node-project.sh makes it)   FOLDER_NODE (1): how many installs"""
import base64
import json
import os
import pathlib
import shutil
import socket
import sys
import tempfile
import time
import urllib.error
import urllib.request

from home import Home

INSTALLS = int(os.environ.get("FOLDER_NODE", "1"))
DEADLINE = 240
EDIT_DEADLINE = 10  # of any edit, on a busy machine
QUICK = 1  # of the quickest: a watcher that polls or hears nothing is slower
PAGE = '<script type="module" src="/src/main.js"></script>'
MAIN = 'import { text } from "./text.js"\nconsole.log(text)\nimport.meta.hot.accept()\n'


def files(directory):
    """What each file of a tree contains. npm's own notes beside them name the lock file's addresses."""
    found = {}
    for path in directory.rglob("*"):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file() and path.name != ".package-lock.json":
            found[name] = (path.stat().st_mode & 0o777, path.read_bytes())
    return found


def install(home, folder, npm, project):
    """npm ci takes what is there away first."""
    wanted = files(project / "node_modules")
    mounts = ["-v", f"{folder}:/f", "-v", f"{npm}:/npm:ro"]
    home.call("run", "-d", "--name", "npm", "--memory", "1024", *mounts, "-w", "/f/project", "debian:node", "sleep", "100000")
    command = ["node", "/npm/bin/npm-cli.js", "ci", "--offline", "--ignore-scripts", "--cache", "/f/cache", "--no-audit", "--no-fund"]
    for number in range(INSTALLS):
        home.call("exec", "npm", *command, deadline=DEADLINE)
        found = files(folder / "project/node_modules")
        if found != wanted:
            names = sorted(name for name in found.keys() | wanted if found.get(name) != wanted.get(name))
            raise AssertionError(f"install {number}: {len(names)} files are not what the host's npm made: {names[:10]}")
    home.call("rm", "-f", "npm")
    return len(wanted)


class Browser:
    """What Vite's own script in a page does: a WebSocket on which changes are told."""

    def __init__(self, port):
        self.address = f"http://127.0.0.1:{port}"
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=EDIT_DEADLINE)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: vite-hmr\r\n\r\n").encode())
        self.stream = self.socket.makefile("rb")
        answer = self.stream.readline()
        if b" 101 " not in answer:
            raise AssertionError(f"no WebSocket: {answer}")
        while self.stream.readline() != b"\r\n":
            pass

    def message(self):
        """The next message; a server does not mask its frames."""
        head, size = self.stream.read(2)
        if size == 126:
            size = int.from_bytes(self.stream.read(2), "big")
        data = self.stream.read(size)
        return json.loads(data) if head == 0x81 else self.message()

    def changed(self):
        """The paths of the modules in the next update."""
        while True:
            message = self.message()
            if message["type"] == "update":
                return [update["acceptedPath"] for update in message["updates"]]
            if message["type"] == "full-reload":
                return [message.get("path", "*")]

    def get(self, path):
        with urllib.request.urlopen(self.address + path, timeout=60) as answer:
            return answer.read().decode()


def write(path, text):
    path.write_text(text)


def replace(path, text):
    """As editors save."""
    path.with_name("saved~").write_text(text)
    path.with_name("saved~").rename(path)


def serves(port):
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/src/main.js", timeout=60).close()
        return True
    except (urllib.error.URLError, OSError):
        return False


def reload(home, project):
    (project / "index.html").write_text(PAGE)
    (project / "src").mkdir()
    (project / "src/main.js").write_text(MAIN)
    (project / "src/text.js").write_text('export const text = "first"\n')
    command = ["node", "node_modules/vite/bin/vite.js", "--host", "0.0.0.0", "--port", "5173", "--strictPort"]
    home.call("run", "-d", "--name", "vite", "--memory", "1024", "-p", "127.0.0.1:0:5173", "-v", f"{project}:/f", "-w", "/f", "debian:node", *command)
    port = int(home.call("port", "vite").split("->")[0].rsplit(":", 1)[1])
    home.wait_until(lambda: serves(port), "Vite serves", DEADLINE)
    browser = Browser(port)
    browser.get("/src/text.js")
    delays = []
    for number in range(6):
        path, edit = ("text.js", "main.js")[number // 4], (write, replace)[number % 2]
        text = f'export const text = "edit {number}"\n' + (MAIN if path == "main.js" else "")
        began = time.monotonic()
        edit(project / "src" / path, text)
        try:
            paths = browser.changed()
        except TimeoutError:
            raise AssertionError(f"edit {number} of {path}: Vite heard nothing; before: {delays}\n{home.call('logs', 'vite')}") from None
        delays.append(time.monotonic() - began)
        served = browser.get(f"/src/{path}?t={number}")
        # A file that took another's place may be a reason to reload the page.
        if not {"/src/main.js", "*"} & set(paths) or f"edit {number}" not in served:
            raise AssertionError(f"edit {number} of {path}: Vite says {paths} and serves\n{served}")
    if min(delays) > QUICK:
        raise AssertionError(f"no edit was heard of within {QUICK} s: {delays}")
    home.call("rm", "-f", "vite")
    return delays


def main():
    made = pathlib.Path(sys.argv[3])
    with Home(sys.argv[1]) as home, tempfile.TemporaryDirectory(prefix="boxlite-node-") as directory:
        folder = pathlib.Path(directory)
        shutil.copytree(made / "cache", folder / "cache")
        (folder / "project").mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(made / "project" / name, folder / "project" / name)
        home.call("load", "-i", sys.argv[2])
        count = install(home, folder, made / "npm", made / "project")
        delays = reload(home, folder / "project")
    print(f"{count} files installed; edits heard of after {', '.join(f'{1000 * delay:.0f}' for delay in delays)} ms", flush=True)


if __name__ == "__main__":
    main()
