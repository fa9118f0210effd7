#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Boxes that go on from one saved machine number their TCP connections by secrets of their own: what one box saw of itself
says nothing of another one (RFC 6528: the first number is a keyed hash of the connection, plus a clock of 64 ns)."""
import struct
import sys

from home import Home

TICKS_PER_SECOND = 1e9 / 64
# A clock of a box may be off by this much, and a capture's time is when the frame arrived.
DOUBT_SECONDS = 0.1


def first_number(home, box):
    """Time and sequence number of the box's last SYN: always the same connection, from port 40000."""
    with home.capture(box) as file:
        home.call("exec", box, "sh", "-c",
                  "echo 40000 40000 > /proc/sys/net/ipv4/ip_local_port_range && nc 198.51.100.1 80", check=False)
        home.wait_until(lambda: list(syns(file)), "the SYN is in the capture")
    time, port, number = list(syns(file))[-1]
    if port != 40000:
        raise AssertionError(f"the connection comes from port {port}")
    return time, number


def syns(file):
    """Of a pcap file (draft-ietf-opsawg-pcap) with Ethernet frames."""
    data = file.read_bytes()
    at, nanoseconds = 24, struct.unpack("<I", data[:4])[0] == 0xA1B23C4D
    while at + 16 <= len(data):
        seconds, fraction, size, _ = struct.unpack("<IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        if frame[12:14] != b"\x08\x00" or frame[23] != 6:
            continue
        tcp = frame[14 + (frame[14] & 15) * 4:]
        if tcp[13] & 0x12 == 0x02:
            port, number = struct.unpack(">H2xI", tcp[:8])
            yield seconds + fraction / (1e9 if nanoseconds else 1e6), port, number


def main():
    with Home(sys.argv[1]) as home:
        for box in ("one", "two"):
            home.call("run", "-d", "--name", box, "--privileged", "--", "sleep", "100000")
        (time_one, one), (time_two, two) = (first_number(home, box) for box in ("one", "two"))
        expected = (time_two - time_one) * TICKS_PER_SECOND
        difference = (two - one - round(expected)) % 2**32
        if min(difference, 2**32 - difference) < DOUBT_SECONDS * TICKS_PER_SECOND:
            raise AssertionError(f"the second box's number {two} follows from the first one's, {one}")
        home.call("rm", "-f", "-a")
        home.wait_until(lambda: not home.processes(), "every process of the home ends")


if __name__ == "__main__":
    main()
