#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `cmake --install` leaves is whole, wherever it is put: programs are built against it, in both ways that people do,
and they, and the command line, run boxes from there.   installed.py CMAKE BUILD_DIR CXX"""
import os
import pathlib
import subprocess
import sys
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent.parent / "examples"
HELLO = "hello from Linux 6.12"


def call(*command, **variables):
    # Nothing leads back to the build: neither variables nor the caller's directory.
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **variables}
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, f"{command}: exit {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def with_cmake(cmake, cxx, prefix, place):
    call(cmake, "-S", EXAMPLES / "installed", "-B", place / "cmake", f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_CXX_COMPILER={cxx}")
    call(cmake, "--build", place / "cmake")
    return place / "cmake/hello"


def with_pkg_config(cxx, prefix, place):
    found = list(prefix.rglob("boxlite.pc"))
    assert len(found) == 1, found
    flags = call("pkg-config", "--cflags", "--libs", "boxlite", PKG_CONFIG_PATH=str(found[0].parent)).split()
    library = next(flag[2:] for flag in flags if flag.startswith("-L"))
    call(cxx, "-std=c++23", EXAMPLES / "cpp/hello.cpp", "-o", place / "hello", *flags, f"-Wl,-rpath,{library}")
    return place / "hello"


def main():
    cmake, build, cxx = sys.argv[1:4]
    with tempfile.TemporaryDirectory(prefix="boxlite-installed-") as directory:
        place = pathlib.Path(directory)
        first, prefix, home = place / "first", place / "opt/boxlite", str(place / "home")
        call(cmake, "--install", build, "--prefix", first)
        prefix.parent.mkdir()
        first.rename(prefix)
        for program in (with_cmake(cmake, cxx, prefix, place), with_pkg_config(cxx, prefix, place)):
            said = call(program, BOXLITE_HOME=home)
            assert HELLO in said, said
        boxlite = prefix / "bin/boxlite"
        said = call(boxlite, "--home", home, "run", "--rm", "--", "sh", "-c", "echo hello from $(uname -sr)")
        assert HELLO in said, said
        assert str(prefix) in call(boxlite, "--home", home, "doctor"), "it uses the build's files"
        call(boxlite, "--home", home, "rm", "-f", "-a")


if __name__ == "__main__":
    main()
