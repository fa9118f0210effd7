#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`boxlite exec -it` and `run -it` as a person meets them: keys, sizes, job control, an editor, and a terminal that is as
before whatever ended the command."""
import json
import os
import shutil
import signal
import subprocess
import sys
import unittest

from home import Home
from terminal import Terminal

BOXLITE = sys.argv.pop(1)


@unittest.skipUnless(shutil.which("tmux"), "tmux is not installed")
class TerminalTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = Home(BOXLITE)
        cls.addClassCleanup(cls.home.__exit__)
        cls.home.call("create", "--name", "w", "boxlite/base")

    @classmethod
    def tearDownClass(cls):
        cls.home.call("rm", "-f", "w")

    def setUp(self):
        self.home.call("start", "w")
        self.terminal = Terminal()
        self.addCleanup(self.terminal.__exit__)

    def enter(self, *options, command="sh"):
        """Types `boxlite exec -it` and waits for the box's own prompt."""
        words = " ".join([*self.home.base, "exec", "-it", "-e", "PS1='box# '", *options, "w", command])
        self.terminal.clear()
        self.terminal.type(words)
        self.terminal.wait_for_line("box#")

    def running_shells(self):
        """What exec started: the box's main command goes on."""
        executions = json.loads(self.home.call("execs", "--format", "json", "w"))
        return [each for each in executions if each["state"] == "running" and not each["is_main"]]

    def leave(self):
        """The detach keys, at the prompt after the first line: the shell asks the terminal where its cursor is, and the
        answer must not come when we have left."""
        self.terminal.wait_until(lambda text: text.count("\nbox#") == 2 and text.rstrip().endswith("\nbox#"), "prompt")
        self.terminal.press("C-p", "C-q")

    def test_keys_sizes_and_exit_code_pass_and_the_mode_comes_back(self):
        before = self.terminal.mode()
        self.enter()
        self.terminal.type("stty size; tty")
        self.terminal.wait_for_line("24 80")
        self.terminal.resize(101, 31)
        self.terminal.type("stty size")
        self.terminal.wait_for_line("31 101")
        self.terminal.type("exit 7")
        self.terminal.wait_for_prompt()
        self.terminal.type("echo code $?")
        self.terminal.wait_for_line("code 7")
        self.terminal.resize(80, 24)
        self.assertEqual(self.terminal.mode(), before)

    def test_interrupt_and_job_control_work_in_the_box(self):
        self.enter()
        # Only what runs in the foreground already gets these keys.
        self.terminal.type("sh -c 'echo first; exec sleep 1000'")
        self.terminal.wait_for_line("first")
        self.terminal.press("C-c")
        self.terminal.type("echo code $?")
        self.terminal.wait_for_line("code 130")
        self.terminal.type("sh -c 'echo second; exec sleep 1001'")
        self.terminal.wait_for_line("second")
        self.terminal.press("C-z")
        self.terminal.wait_for("Stopped")
        self.terminal.type("jobs; echo listed")
        self.terminal.wait_for_line("listed")
        self.terminal.type(r"printf '\033[2J\033[H'; fg")
        self.terminal.wait_until(lambda text: text.lstrip().startswith("sh -c"), "job in the foreground")
        self.terminal.press("C-c")
        self.terminal.type("jobs; echo none left")
        self.terminal.wait_for_line("none left")
        self.terminal.press("C-d")
        self.terminal.wait_for_prompt()

    def test_an_editor_works(self):
        self.enter()
        self.terminal.type("vi /tmp/note")
        self.terminal.wait_for("- /tmp/note")  # the editor's line, not the shell's
        self.terminal.type("i", enter=False)
        self.terminal.wait_for("I /tmp/note")
        self.terminal.type("hello from vi", enter=False)
        self.terminal.press("Escape")
        self.terminal.wait_for("- /tmp/note")  # else the keys that follow are taken for an escape sequence
        self.terminal.type(":wq")
        self.terminal.wait_until(lambda text: text.rstrip().endswith("box#"), "prompt after vi")
        self.terminal.type("exit")
        self.terminal.wait_for_prompt()
        self.assertEqual(self.home.call("exec", "w", "cat", "/tmp/note"), "hello from vi\n")

    def test_the_detach_keys_leave_and_attach_comes_back(self):
        before = self.terminal.mode()
        self.enter()
        self.terminal.type("word=kept")
        self.leave()
        self.terminal.wait_for_prompt()
        self.assertEqual(self.terminal.mode(), before)
        execution = self.home.call("execs", "-q", "w").split()[-1]
        self.terminal.clear()
        self.terminal.type(" ".join([*self.home.base, "attach", "w", execution]))
        self.terminal.press("Enter")
        self.terminal.wait_for("box#")
        self.terminal.type("echo word is $word")
        self.terminal.wait_for_line("word is kept")
        self.terminal.type("exit 3")
        self.terminal.wait_for_prompt()
        self.terminal.type("echo code $?")
        self.terminal.wait_for_line("code 3")

    def test_a_box_whose_terminal_is_left_stays(self):
        self.terminal.type(" ".join([*self.home.base, "run", "-it", "--name", "r", "-e", "PS1='box# '", "boxlite/base", "sh"]))
        self.terminal.wait_for_line("box#", deadline=60)
        self.terminal.type("word=kept")
        self.leave()
        self.terminal.wait_for_prompt()
        self.assertEqual(self.home.inspect("r")["State"]["Status"], "running")
        self.terminal.clear()
        self.terminal.type(" ".join([*self.home.base, "attach", "r"]))
        self.terminal.press("Enter")
        self.terminal.wait_for("box#")
        self.terminal.type("echo word is $word; exit 4")
        self.terminal.wait_for_line("word is kept")
        self.terminal.wait_for_prompt()
        self.assertEqual(self.home.inspect("r")["State"]["ExitCode"], 4)
        self.home.call("rm", "r")

    def test_a_terminated_client_gives_the_terminal_back_and_hangs_up(self):
        before = self.terminal.mode()
        for number in (signal.SIGTERM, signal.SIGHUP):
            self.enter()
            os.kill(self.terminal.foreground_child(), number)
            self.terminal.wait_for_prompt()
            self.assertEqual(self.terminal.mode(), before)
            self.home.wait_until(lambda: not self.running_shells(), "the end of the box's shell")

    def test_the_end_of_the_box_gives_the_terminal_back(self):
        before = self.terminal.mode()
        self.enter()
        self.home.call("stop", "--force", "w")
        self.terminal.wait_for("boxlite: box ")
        self.terminal.wait_for_prompt()
        self.assertEqual(self.terminal.mode(), before)

    def test_streams_that_are_closed_empty_or_cut_off(self):
        def shell(script):
            command = " ".join([*self.home.base, "exec"])
            done = subprocess.run(["bash", "-c", script.replace("EXEC", command)], capture_output=True, text=True,
                                  timeout=60, check=False)
            return done.stdout, done.returncode
        for _ in range(5):  # what we open ourselves must not take the place of our stdin
            self.assertEqual(shell("EXEC -i w wc -c <&-"), ("0\n", 0))
        self.assertEqual(shell("EXEC -i w wc -c </dev/null"), ("0\n", 0))
        self.assertEqual(shell("echo x | EXEC -i w wc -c"), ("2\n", 0))
        self.assertEqual(shell("EXEC w wc -c"), ("0\n", 0))
        self.assertEqual(shell("EXEC w yes | head -1; exit ${PIPESTATUS[0]}"), ("y\n", 141))
        self.assertEqual(shell("EXEC w true >&-"), ("", 0))
        self.assertNotIn("yes", self.home.call("exec", "w", "ps"))
        refused = subprocess.run([*self.home.base, "exec", "-it", "w", "sh"], stdin=subprocess.DEVNULL,
                                 capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(refused.returncode, 125)
        self.assertIn("terminal", refused.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
