# SPDX-License-Identifier: Apache-2.0
"""A machine of QEMU alone, without BoxLite: our kernel, a root file system, and a network of somebody else."""
import pathlib
import shutil
import socket
import subprocess
import time

HOST = "10.0.2.2"  # in both networks, the host's loopback
# Largest frame: QEMU's slirp takes no more.
MTU = {"slirp": 1500, "passt": 65520}


class Disk:
    """An ext4 image of a root file system with the tools at /net."""

    def __init__(self, directory, rootfs, tools):
        self.path = directory.with_suffix(".ext4")
        # It holds devices, which Python would read to their end.
        subprocess.run(["cp", "-a", str(rootfs), str(directory)], check=True)
        shutil.copytree(tools, directory / "net")
        (directory / "net/init").chmod(0o755)
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", str(directory), str(self.path), "512M"], check=True)
        shutil.rmtree(directory)


class PlainMachine:
    def __init__(self, directory, share, disk, kind):
        self.host, self.passt = HOST, None
        directory.mkdir()
        if kind == "passt":
            link = directory / "passt.sock"
            self.passt = subprocess.Popen(["passt", "-f", "-q", "-1", "-s", str(link), "-a", "10.0.2.15", "-n", "24", "-g", HOST,
                                           "-m", str(MTU[kind]), "-4", "--runas", "0"],
                                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            self._wait_for(link)
            netdev = f"stream,id=net,server=off,addr.type=unix,addr.path={link}"
        else:
            netdev = "user,id=net,net=10.0.2.0/24,host=10.0.2.2"
        self.console, far_end = socket.socketpair()
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-machine", "microvm,acpi=off,pcie=off,usb=off,isa-serial=off,rtc=on,pit=on,pic=on",
             "-accel", "tcg,thread=single", "-cpu", "max,-erms", "-m", "512", "-nodefaults", "-no-user-config", "-no-reboot",
             "-display", "none", "-global", "virtio-mmio.force-legacy=off", "-kernel", str(share / "vmlinux"),
             "-append", "console=hvc0 quiet reboot=t panic=-1 mitigations=off no_timer_check noreplace-smp norandmaps"
                        f" root=/dev/vda ro init=/net/init net_mtu={MTU[kind]}",
             "-drive", f"id=disk,if=none,file={disk.path},format=raw,readonly=on", "-device", "virtio-blk-device,drive=disk",
             "-netdev", netdev, "-device", "virtio-net-device,netdev=net",
             "-chardev", f"socket,id=console,fd={far_end.fileno()}", "-device", "virtio-serial-device",
             "-device", "virtconsole,chardev=console"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            pass_fds=[far_end.fileno()])
        far_end.close()
        self.console.settimeout(120)
        self.lines = self.console.makefile("r", encoding="utf-8", errors="replace")
        self._until("machine ready")

    def _wait_for(self, path):
        deadline = time.monotonic() + 10
        while not pathlib.Path(path).exists():
            if self.passt.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"passt does not run: {self.passt.stderr.read()}")
            time.sleep(0.01)

    def _until(self, beginning):
        seen = []
        for line in self.lines:
            if line.startswith(beginning):
                return "".join(seen), line
            seen.append(line)
        raise SystemExit(f"the plain machine ended: {''.join(seen)}{self.process.stderr.read()}")

    def guest(self, *command):
        self.console.sendall((" ".join(command) + "\n").encode())
        output, end = self._until("machine ended")
        if end.split()[-1] != "0":
            raise SystemExit(f"in the plain machine: {' '.join(command)}: {output}")
        return output

    def close(self):
        for process in filter(None, (self.process, self.passt)):
            process.kill()
            process.wait()
        self.console.close()
