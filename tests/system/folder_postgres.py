#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL with its data on a folder, or on a volume. While clients commit row by row, its machine is killed, its file
server is killed, and it is stopped: each time it is started again, every commit that a client has acknowledged before
is there, and all pages and indexes are sound.
   folder_postgres.py BOXLITE IMAGE.tar folder|volume [ordinary]   FOLDER_POSTGRES (1): how many rounds of these"""
import os
import pathlib
import signal
import sys
import tempfile
import threading

from home import Home, become_ordinary

ROUNDS = int(os.environ.get("FOLDER_POSTGRES", "1"))
CLIENTS = ("one", "two", "three")
COMMITS = 60  # of each client, before something happens
DEADLINE = 300
IMAGE = "debian:postgres"
DATABASE = "/data/db"
ENVIRONMENT = {"PATH": "/usr/lib/postgresql/15/bin:/usr/sbin:/usr/bin:/sbin:/bin", "PGHOST": "/tmp", "PGDATABASE": "postgres"}
# As PostgreSQL's own images do it: root gives the directory away, and from there on all is done by its new owner.
SERVER = f"""
set -e
cd /
become="setpriv --reuid postgres --regid postgres --init-groups"
if ! [ -e {DATABASE} ]; then
    install -d -o postgres -g postgres -m 700 {DATABASE}
    $become initdb -D {DATABASE} --data-checksums --auth=trust
fi
exec $become postgres -D {DATABASE} -k /tmp
"""
# psql prints a row when the server has acknowledged its commit. Checkpoints write the files that a recovery begins with.
CLIENT = """
i=0
while :; do
    echo "insert into log values ('$1', $i, repeat(md5('$i'), 30)) returning who, i;"
    [ $((i % 20)) -ne 19 ] || echo "checkpoint;"
    i=$((i + 1))
done | stdbuf -oL psql -qAt -v ON_ERROR_STOP=1
"""


class Client:
    """Commits until it can no more, and notes on this side what was acknowledged."""

    def __init__(self, database, who):
        self.acknowledged, self.enough = set(), threading.Event()
        self.process = database.home.spawn("exec", "-u", "postgres", "db", "sh", "-c", CLIENT, "client", who)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.endswith(b"\n"):
                self.acknowledged.add(line.decode().strip())
            if len(self.acknowledged) == COMMITS:
                self.enough.set()
        self.enough.set()

    def wait_enough(self):
        if not self.enough.wait(DEADLINE) or len(self.acknowledged) < COMMITS:
            raise AssertionError(f"{len(self.acknowledged)} commits of {COMMITS}")

    def wait_end(self):
        """Whatever has happened to the server, who asks it something is told, and does not wait for ever."""
        code = self.process.wait(timeout=DEADLINE)
        self.reader.join(timeout=DEADLINE)
        error = self.process.stderr.read().decode()
        if code == 0:
            raise AssertionError(f"a client ended as if nothing had happened: {error}")
        return error


class Database:
    """The box and what should be in it."""

    def __init__(self, home, source):
        self.home, self.acknowledged, self.starts = home, set(), 0
        self.options = [word for name, value in ENVIRONMENT.items() for word in ("-e", f"{name}={value}")]
        self.options += ["-v", f"{source}:/data"]
        how_to_stop = ["--stop-signal", "INT", "--stop-timeout", "60s"]
        home.call("create", "--name", "db", *how_to_stop, *self.options, IMAGE, "sh", "-c", SERVER)

    def start(self):
        """Until the server says that it is ready, in the log of all starts."""
        self.home.call("start", "db")
        self.starts += 1
        log = self.home.spawn("logs", "-f", "db", stderr=-2)
        late = threading.Timer(DEADLINE, log.kill)
        late.start()
        seen = []
        while sum("ready to accept connections" in line for line in seen) < self.starts:
            seen.append(log.stdout.readline().decode())
            if not seen[-1]:
                raise AssertionError(f"start {self.starts}: the server is not ready\n{''.join(seen[-20:])}")
        late.cancel()
        log.kill()
        log.communicate()

    def call(self, *args):
        return self.home.call("exec", "-u", "postgres", "db", *args, deadline=DEADLINE).strip()

    def query(self, *queries):
        return self.call("psql", "-qAt", *(word for query in queries for word in ("-c", query))).splitlines()

    def offline(self, *args):
        """A program for databases without a server, in a box of its own."""
        return self.home.call("run", "--rm", "-u", "postgres", *self.options, IMAGE, *args, deadline=DEADLINE)

    def interrupt(self, what, happen):
        """Clients commit, something happens, and the box ends."""
        clients = [Client(self, f"{what}-{self.starts}-{name}") for name in CLIENTS]
        for client in clients:
            client.wait_enough()
        happen()
        self.home.call("wait", "db", deadline=DEADLINE, check=False)  # that of a killed machine is a failure
        errors = [client.wait_end() for client in clients]
        for client in clients:
            self.acknowledged |= client.acknowledged
        return errors

    def check(self, what):
        """Rows of one client have no gaps either, as it goes on when one is acknowledged."""
        found = set(self.query("select who, i from log where filler = repeat(md5(i::text), 30)"))
        lost = self.acknowledged - found
        gaps = self.query("select who from log group by who having count(*) <> max(i) + 1")
        count = int(self.query("select count(*) from log")[0])
        if lost or gaps or count != len(found):
            raise AssertionError(f"{what}: {len(found)} rows right of {count}, gaps {gaps}, lost: {sorted(lost)[:10]}")
        self.call("pg_amcheck", "--install-missing", "--heapallindexed", "-d", "postgres")
        print(f"user {os.getuid()}: {what}: {len(self.acknowledged)} commits acknowledged, {count} there", flush=True)


def check_files(database):
    """What lies there is a database that was shut down in order, every page of which is as it was written."""
    state = database.offline("pg_controldata", DATABASE)
    if "shut down\n" not in state:
        raise AssertionError(f"stopped, but\n{state}")
    database.offline("pg_checksums", "--check", DATABASE)


def check_owner(folder):
    """The box's user has it; on the host it is that one's only where the host's root could give it away."""
    owner = (folder / "db").stat().st_uid
    if (owner == os.getuid()) == (os.getuid() == 0):
        raise AssertionError(f"the data belong to user {owner} of the host")


def work(home, source):
    database = Database(home, source)
    database.start()
    database.query("create table log(who text, i integer, filler text not null, primary key (who, i))")
    for _ in range(ROUNDS):
        database.interrupt("machine", lambda: os.kill(database.home.process_of_box("qemu-system"), signal.SIGKILL))
        database.start()
        database.check("its machine was killed")
        database.interrupt("server", lambda: os.kill(database.home.process_of_box("boxlite-fileser"), signal.SIGKILL))
        database.start()
        database.check("its file server was killed")
        database.interrupt("stop", lambda: home.call("stop", "db"))
        check_files(database)
        database.start()
        database.check("it was stopped")
    home.call("rm", "-f", "db")


def main():
    _, boxlite, image, place, *how = sys.argv
    if how == ["ordinary"] and os.geteuid() == 0:
        return become_ordinary()
    with Home(boxlite) as home, tempfile.TemporaryDirectory(prefix="boxlite-postgres-") as directory:
        folder = pathlib.Path(directory)
        folder.chmod(0o755)
        home.call("load", "-i", image)
        work(home, folder if place == "folder" else "data")
        if place == "folder":
            check_owner(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
