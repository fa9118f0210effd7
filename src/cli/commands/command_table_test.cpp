// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/command_table.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::HasSubstr;

std::string_view name_of(const std::vector<std::string>& words) {
  const auto found = find_command(words);
  return found ? found->command->name : std::string_view("none");
}

TEST(CommandTableTest, FindsCommandsUnderAllTheirNames) {
  EXPECT_EQ(name_of({"run", "x"}), "run");
  EXPECT_EQ(name_of({"ps"}), "ls");
  EXPECT_EQ(name_of({"list"}), "ls");
  EXPECT_EQ(name_of({"image", "ls"}), "images");
  EXPECT_EQ(name_of({"image", "rm", "x"}), "rmi");
  EXPECT_EQ(name_of({"image", "inspect"}), "image inspect");
  EXPECT_EQ(name_of({"image", "pull"}), "pull");
}

TEST(CommandTableTest, SaysHowManyWordsTheNameTook) {
  EXPECT_EQ(find_command({"pull", "image"})->words, 1u);
  EXPECT_EQ(find_command({"image", "pull", "x"})->words, 2u);
}

TEST(CommandTableTest, SuggestsTheNearestName) {
  EXPECT_THAT(find_command({"rnu"}).error().message, HasSubstr("did you mean \"run\"?"));
  EXPECT_THAT(find_command({"image", "lss"}).error().message, HasSubstr("did you mean \"ls\"?"));
  EXPECT_EQ(find_command({"rnu"}).error().exit_code, exit_usage);
  EXPECT_EQ(find_command({"image"}).error().exit_code, exit_usage);
}

TEST(CommandTableTest, SaysThatAKnownCommandIsNotBuiltYet) {
  EXPECT_THAT(find_command({"commit", "x"}).error().message, HasSubstr("not built yet"));
}

TEST(CommandTableTest, ExplainsAFamilyOfCommands) {
  const auto help = find_command({"image", "--help"});
  EXPECT_EQ(help.error().exit_code, exit_success);
  EXPECT_THAT(help.error().message, HasSubstr("  prune "));
  EXPECT_THAT(help.error().message, HasSubstr("  pull "));
}

TEST(CommandTableTest, ListsEveryCommonCommandOnce) {
  const auto help = program_help();
  for (const auto& command : all_commands()) {
    const auto line = "\n  " + std::string(command.name) + "  ";
    const auto first = help.find(line);
    EXPECT_EQ(first != std::string::npos, command.is_common) << command.name;
    if (!command.is_common) continue;
    EXPECT_EQ(help.find(line, first + 1), std::string::npos) << command.name;
  }
}

}  // namespace
}  // namespace boxlite::cli
