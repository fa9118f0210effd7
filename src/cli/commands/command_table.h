// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands/commands.h"

namespace boxlite::cli {

enum class CommandGroup { boxes, networks, images, volumes, system };

struct Command {
  std::string_view name;     // "pull", "image ls"
  std::string_view aliases;  // other names, separated by commas
  CommandGroup group = CommandGroup::boxes;
  bool is_common = true;  // shown by `boxlite` alone
  std::string_view summary;
  Outcome (*function)(Call&) = nullptr;
};

// In the order in which the usage shows them.
std::span<const Command> all_commands();

struct FoundCommand {
  const Command* command = nullptr;
  std::size_t words = 0;  // that its name took
};

// The command that `words` begins with, under any of its names. An Ending when there is none: with the
// nearest name as advice, or, for a group alone (`boxlite image`), its commands.
Parsed<FoundCommand> find_command(const std::vector<std::string>& words);

// What `boxlite` and `boxlite --help` print.
std::string program_help();

}  // namespace boxlite::cli
