# SPDX-License-Identifier: Apache-2.0
"""A terminal with a person at it: tmux with a server of its own, one shell in one window."""
import pathlib
import shutil
import subprocess
import tempfile
import time


class Terminal:
    PROMPT = "host$"

    def __init__(self, columns=80, rows=24):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="boxlite-tmux-"))
        self.base = ["tmux", "-S", str(self.directory / "socket"), "-f", "/dev/null"]
        self._tmux("new-session", "-d", "-x", str(columns), "-y", str(rows), f"PS1='{self.PROMPT} ' exec sh",
                   ";", "set-option", "-g", "status", "off", ";", "set-option", "-g", "history-limit", "5000")
        self.resize(columns, rows)
        self.wait_for(self.PROMPT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.base, "kill-server"], capture_output=True, check=False)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _tmux(self, *words):
        return subprocess.run([*self.base, *words], check=True, capture_output=True, text=True, timeout=30).stdout

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def type(self, text, enter=True):
        self._tmux("send-keys", "-l", "--", text)
        if enter:
            self.press("Enter")

    def press(self, *keys):
        """Keys by tmux's names: C-c, Escape, Enter."""
        self._tmux("send-keys", *keys)

    def screen(self):
        return self._tmux("capture-pane", "-p", "-J")

    def clear(self):
        """An empty screen, so that what is waited for can only be new. For a shell at its prompt."""
        self.type("clear")
        self.wait_until(lambda text: len([line for line in text.splitlines() if line.strip()]) == 1, "an empty screen")

    def wait_until(self, condition, what, deadline=30):
        end = time.monotonic() + deadline
        while True:
            text = self.screen()
            if condition(text):
                return text
            if time.monotonic() > end:
                raise AssertionError(f"no {what} within {deadline} s; the screen shows:\n{text}")
            time.sleep(0.03)

    def wait_for(self, text, deadline=30):
        return self.wait_until(lambda screen: text in screen, repr(text), deadline)

    def wait_for_prompt(self):
        """The host's shell waits for a command: nothing typed now goes to what ran before."""
        return self.wait_until(lambda screen: screen.rstrip().endswith(self.PROMPT), "prompt")

    def wait_for_line(self, line, deadline=30):
        """A line that is exactly this: not the echo of what was typed."""
        return self.wait_until(lambda screen: line in [each.rstrip() for each in screen.splitlines()],
                               f"line {line!r}", deadline)

    def mode(self):
        """The settings of the terminal, as the host's shell at its prompt finds them."""
        path = self.directory / "mode"
        path.unlink(missing_ok=True)
        self.type(f"stty -g > {path}.new; mv {path}.new {path}")
        end = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < end, f"no answer of stty:\n{self.screen()}"
            time.sleep(0.03)
        return path.read_text()

    def foreground_child(self):
        """The process that the shell has started last."""
        shell = self._tmux("display-message", "-p", "#{pane_pid}").strip()
        children = pathlib.Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert children, f"the shell runs nothing:\n{self.screen()}"
        return int(children[-1])
