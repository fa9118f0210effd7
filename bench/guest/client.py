# SPDX-License-Identifier: Apache-2.0
"""Runs in a guest, against an echo server: client.py connections|round_trips|flows HOST PORT N [AT_ONCE]. Prints one figure."""
import selectors
import socket
import sys
import time


def connect(address):
    connection = socket.create_connection(address)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def round_trip(connection):
    connection.sendall(b"x")
    if connection.recv(1) != b"x":
        raise SystemExit("the server hung up")


def connections(address, count):
    """Connections per second."""
    began = time.monotonic()
    for _ in range(count):
        with connect(address) as connection:
            round_trip(connection)
    return count / (time.monotonic() - began)


def round_trips(address, count):
    """Microseconds of each, on average: the clock of a plain machine is too coarse for one."""
    with connect(address) as connection:
        began = time.monotonic()
        for _ in range(count):
            round_trip(connection)
    return (time.monotonic() - began) / count * 1e6


def flows(address, count, at_once):
    """Flows per second, `at_once` of them open at any time."""
    selector = selectors.DefaultSelector()
    began, opened, ended = time.monotonic(), 0, 0
    while ended < count:
        while opened < count and opened - ended < at_once:
            connection = connect(address)
            connection.sendall(b"x")
            selector.register(connection, selectors.EVENT_READ)
            opened += 1
        for key, _ in selector.select():
            if key.fileobj.recv(1) != b"x":
                raise SystemExit("the server hung up")
            selector.unregister(key.fileobj)
            key.fileobj.close()
            ended += 1
    return count / (time.monotonic() - began)


what, host, port, *numbers = sys.argv[1:]
# The name is looked up once: what is measured is connections.
address = socket.getaddrinfo(host, int(port), socket.AF_INET, socket.SOCK_STREAM)[0][4]
print({"connections": connections, "round_trips": round_trips, "flows": flows}[what](address, *map(int, numbers)))
