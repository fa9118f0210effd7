#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A home that an earlier version made opens, wherever it lies now: its boxes are there as they were, start, and have their
files.   earlier_home.py BOXLITE ARCHIVE

How the archives in homes/ were made, each by the version of its day (then `machine prune`, `gc`, and tar -S):
  boxlite create --name kept -e WHO=world -l team=red -v data:/data --tmpfs /scratch --memory 256 boxlite/base
  boxlite exec kept sh -c 'echo "hello $WHO" > /root/greeting; echo in the volume > /data/file; ln -s greeting /root/link;
                           mkdir /root/d; chmod 700 /root/d'; boxlite stop kept
  boxlite create --name never --network none boxlite/base
  boxlite run -d --name job --restart on-failure:3 --log-max-size 1m -- sh -c 'echo I ran; exit 0'; boxlite wait job"""
import subprocess
import sys

from home import Home

FILES = "cat /root/greeting /root/link /data/file; stat -c %a /root/d; cat /proc/mounts | grep -c ' /scratch tmpfs'"


def main():
    with Home(sys.argv[1]) as home:
        subprocess.run(["tar", "-C", home.path, "-xSf", sys.argv[2]], check=True)
        boxes = {box["name"]: box for box in home.boxes()}
        assert {name: box["status"] for name, box in boxes.items()} == {"kept": "stopped", "never": "configured", "job": "stopped"}
        kept = home.inspect("kept")
        assert "WHO=world" in kept["Config"]["Env"] and kept["Config"]["Labels"] == {"team": "red"}, kept["Config"]
        assert home.call("logs", "job") == "I ran\n"

        said = home.call("exec", "kept", "sh", "-c", FILES).splitlines()
        assert said == ["hello world", "hello world", "in the volume", "700", "1"], said
        assert home.call("exec", "kept", "sh", "-c", "echo and later > /root/later; cat /root/later") == "and later\n"
        home.call("stop", "kept")
        assert home.call("exec", "kept", "cat", "/root/later") == "and later\n"
        assert home.call("exec", "never", "sh", "-c", "ip -o -4 addr").split()[1] == "lo"
        home.call("start", "job")
        home.call("wait", "job")
        assert home.call("logs", "job") == "I ran\nI ran\n"
        home.call("rm", "-f", "-a")


if __name__ == "__main__":
    main()
