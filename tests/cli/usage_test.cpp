// SPDX-License-Identifier: Apache-2.0
// What the program says before it opens a home.
#include <gmock/gmock.h>

#include "support/temp_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class UsageTest : public testing::Test {
 protected:
  TempHome home_{BOXLITE_PROGRAM};
};

TEST_F(UsageTest, ShowsItsCommandsWhenCalledAlone) {
  const auto alone = home_.run({});
  EXPECT_EQ(alone.code(), 0);
  EXPECT_THAT(alone.out, StartsWith("Usage:  boxlite [GLOBAL OPTIONS] COMMAND\n"));
  EXPECT_THAT(alone.err, IsEmpty());
  EXPECT_EQ(home_.run({"--help"}).out, alone.out);
  EXPECT_EQ(home_.run({"help"}).out, alone.out);
}

TEST_F(UsageTest, ExplainsEveryCommand) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"run"},
                                                                 {"create"},
                                                                 {"exec"},
                                                                 {"attach"},
                                                                 {"execs"},
                                                                 {"kill"},
                                                                 {"wait"},
                                                                 {"ls"},
                                                                 {"start"},
                                                                 {"stop"},
                                                                 {"restart"},
                                                                 {"rm"},
                                                                 {"inspect"},
                                                                 {"pull"},
                                                                 {"load"},
                                                                 {"images"},
                                                                 {"rmi"},
                                                                 {"image", "ls"},
                                                                 {"image", "prune"},
                                                                 {"image", "inspect"},
                                                                 {"image", "export-rootfs"},
                                                                 {"info"},
                                                                 {"doctor"},
                                                                 {"version"},
                                                                 {"completion"}}) {
    auto with_help = words;
    with_help.emplace_back("--help");
    const auto help = home_.run(with_help);
    EXPECT_EQ(help.code(), 0) << words.back();
    EXPECT_THAT(help.out, StartsWith("Usage:  boxlite ")) << words.back();
    EXPECT_THAT(help.out, HasSubstr("\nExample:\n  $ ")) << words.back();
    EXPECT_THAT(help.err, IsEmpty()) << words.back();
  }
}

TEST_F(UsageTest, AnswersAMistakeWithExitCodeTwoAndARemedy) {
  for (const auto& words : std::vector<std::vector<std::string>>{{"rnu"},
                                                                 {"run"},
                                                                 {"run", "--nmae", "x", "img"},
                                                                 {"run", "--cpus", "many", "img"},
                                                                 {"exec"},
                                                                 {"exec", "box"},
                                                                 {"start"},
                                                                 {"rm"},
                                                                 {"rm", "-a", "box"},
                                                                 {"pull"},
                                                                 {"pull", "a", "b"},
                                                                 {"ls", "extra"},
                                                                 {"ls", "--format", "xml"},
                                                                 {"image"},
                                                                 {"image", "frobnicate"},
                                                                 {"--accel", "xen", "ls"},
                                                                 {"commit", "box"}}) {
    const auto result = home_.run(words);
    EXPECT_EQ(result.code(), 2) << words.back();
    EXPECT_THAT(result.err, StartsWith("boxlite: ")) << words.back();
    EXPECT_THAT(result.err, HasSubstr("\n  try: boxlite ")) << words.back();
    EXPECT_THAT(result.out, IsEmpty()) << words.back();
  }
}

TEST_F(UsageTest, SuggestsWhatWasMeant) {
  EXPECT_THAT(home_.run({"rnu"}).err, HasSubstr("did you mean \"run\"?"));
  EXPECT_THAT(home_.run({"run", "--nmae", "x", "i"}).err, HasSubstr("did you mean --name?"));
}

TEST_F(UsageTest, NeverIgnoresWhatIsNotBuilt) {
  for (const char* option : {"--link", "--gpus"}) {
    const auto result = home_.run({"run", option, "x", "img"});
    EXPECT_EQ(result.code(), 125) << option;
    EXPECT_THAT(result.err, HasSubstr("not built yet")) << option;
  }
}

TEST_F(UsageTest, RefusesATerminalWhereThereIsNone) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"run", "-it", "img"}, {"exec", "-t", "b", "sh"}}) {
    const auto result = home_.run(words);
    EXPECT_EQ(result.code(), 125);
    EXPECT_THAT(result.err, HasSubstr("needs a terminal"));
  }
}

TEST_F(UsageTest, UsesNoColoursOutsideATerminal) {
  auto options = home_.command({"rnu"});
  options.environment["TERM"] = "xterm-256color";
  EXPECT_THAT(run_program(options).err, testing::Not(HasSubstr("\033")));
}

TEST_F(UsageTest, ReportsOutputThatCannotBeWritten) {
  auto options = home_.command({});
  const auto program = options.words.front();
  options.words = {"/bin/sh", "-c", "exec \"$0\" version > /dev/full", program};
  const auto result = run_program(options);
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, HasSubstr("write to standard output: No space left on device"));
}

TEST_F(UsageTest, ShowsItsVersionWithoutAHome) {
  auto options = home_.command({"version"});
  options.environment["BOXLITE_HOME"] = "/nonexistent/home";
  const auto result = run_program(options);
  EXPECT_EQ(result.code(), 0);
  EXPECT_THAT(result.out, testing::ContainsRegex("^boxlite [0-9]+\\.[0-9]+\\.[0-9]+"));
  options.words.back() = "--version";
  EXPECT_EQ(run_program(options).out, result.out);
}

TEST_F(UsageTest, OffersACompletionScriptThatBashAccepts) {
  auto options = home_.command({});
  const auto program = options.words.front();
  options.words = {"/bin/bash", "-c", "\"$0\" completion bash | bash -n", program};
  const auto result = run_program(options);
  EXPECT_EQ(result.code(), 0) << result.err;
  EXPECT_THAT(result.err, IsEmpty());
}

}  // namespace
}  // namespace boxlite::test
