#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Exceptions are bugs here, so nothing may use the half of std::filesystem that throws: a loop over a
directory_iterator throws when it goes on, whatever it was made with (entries_of() does not), and so does a question
without a std::error_code."""
import re

from source_tree import finish, relative, tracked

LOOP = re.compile(r"for \((?:const )?auto&{0,2} \w+ : [^;{]*directory_iterator\b")
QUESTIONS = ("absolute|canonical|copy|copy_file|create_directories|create_directory|current_path|equivalent|exists|file_size|"
             "hard_link_count|is_directory|is_empty|is_regular_file|is_socket|is_symlink|last_write_time|permissions|"
             "read_symlink|relative|remove|remove_all|rename|resize_file|space|status|symlink_status|"
             "temp_directory_path|weakly_canonical")
QUESTION = re.compile(rf"\b(?:std::filesystem|fs)::(?:{QUESTIONS})\(")
ANSWERS = ("error", "failed", "ignored", "problem", "absent", "not_there", "status(")

problems = []
files = [path for path in tracked("src/*.cpp", "src/*.h")
         if not path.name.endswith(("_test.cpp", "_test.h")) and not path.name.startswith("test_")]
for path in files:
    text = path.read_text(errors="replace")
    for found in LOOP.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        problems.append(f"{relative(path)}:{line}: this loop throws when the directory goes: use entries_of()")
    for found in QUESTION.finditer(text):
        statement = text[found.end():text.find(";", found.end())]
        if any(answer in statement for answer in ANSWERS):
            continue
        line = text.count("\n", 0, found.start()) + 1
        problems.append(f"{relative(path)}:{line}: {found.group(0)}…) throws: give it a std::error_code")
finish(problems, len(files))
