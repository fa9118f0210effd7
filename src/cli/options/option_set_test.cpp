// SPDX-License-Identifier: Apache-2.0
#include "cli/options/option_set.h"

#include <gmock/gmock.h>

namespace boxlite::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OptionSetTest : public testing::Test {
 protected:
  OptionSetTest() {
    options_.flag('i', "interactive", interactive_, "Pass standard input");
    options_.flag('t', "tty", tty_, "Give a terminal");
    options_.flag(0, "rm", remove_, "Remove afterwards");
    options_.list('e', "env", "NAME=VALUE", variables_, "Set a variable");
    options_.text('w', "workdir", "DIR", directory_, "Start here");
    options_.not_built('v', "volume");
  }

  Parsed<Arguments> parse(std::vector<std::string> words,
                          OptionPlacement placement = OptionPlacement::before_first_argument) {
    return options_.parse(words, placement);
  }

  bool interactive_ = false;
  bool tty_ = false;
  bool remove_ = false;
  std::vector<std::string> variables_;
  std::string directory_;
  OptionSet options_{
      {.usage = "boxlite run [OPTIONS] IMAGE", .sentence = "Runs.", .example = "boxlite run x"}};
};

TEST_F(OptionSetTest, TakesOptionsInEverySpelling) {
  const auto arguments =
      parse({"-it", "-eA=1", "-e", "B=2", "--env", "C=3", "--env=D=4", "-e=E=5", "--rm", "img"});
  ASSERT_TRUE(arguments);
  EXPECT_TRUE(interactive_);
  EXPECT_TRUE(tty_);
  EXPECT_TRUE(remove_);
  EXPECT_THAT(variables_, ElementsAre("A=1", "B=2", "C=3", "D=4", "E=5"));
  EXPECT_THAT(arguments->words, ElementsAre("img"));
}

TEST_F(OptionSetTest, LeavesEverythingAfterTheFirstArgumentAlone) {
  const auto arguments = parse({"--rm", "alpine", "ls", "-la", "--rm", "--", "-x"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(arguments->words, ElementsAre("alpine", "ls", "-la", "--rm", "--", "-x"));
  EXPECT_FALSE(arguments->after_separator);
}

TEST_F(OptionSetTest, SeesASeparatorBeforeTheFirstArgument) {
  const auto arguments = parse({"-i", "--", "uname", "-a"});
  ASSERT_TRUE(arguments);
  EXPECT_TRUE(arguments->after_separator);
  EXPECT_THAT(arguments->words, ElementsAre("uname", "-a"));
}

TEST_F(OptionSetTest, MixesOptionsAndArgumentsWhereThatIsAllowed) {
  const auto arguments = parse({"a", "-i", "b", "--", "-t"}, OptionPlacement::anywhere);
  ASSERT_TRUE(arguments);
  EXPECT_TRUE(interactive_);
  EXPECT_FALSE(tty_);
  EXPECT_THAT(arguments->words, ElementsAre("a", "b", "-t"));
  EXPECT_FALSE(arguments->after_separator);
}

TEST_F(OptionSetTest, TakesALoneDashAsAnArgument) {
  const auto arguments = parse({"-"}, OptionPlacement::anywhere);
  ASSERT_TRUE(arguments);
  EXPECT_THAT(arguments->words, ElementsAre("-"));
}

TEST_F(OptionSetTest, TakesAnEmptyWordAsAnArgument) {
  const auto arguments = parse({"", "x"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(arguments->words, ElementsAre("", "x"));
}

TEST_F(OptionSetTest, LetsAFlagBeSwitchedOff) {
  ASSERT_TRUE(parse({"--rm", "--rm=false"}));
  EXPECT_FALSE(remove_);
  EXPECT_EQ(parse({"--rm=perhaps"}).error().exit_code, exit_usage);
}

TEST_F(OptionSetTest, SuggestsTheOptionThatWasMeant) {
  const auto arguments = parse({"--interactiv"});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().exit_code, exit_usage);
  EXPECT_EQ(arguments.error().message, "unknown option --interactiv; did you mean --interactive?");
  EXPECT_EQ(arguments.error().remedy, "boxlite run --help");
}

TEST_F(OptionSetTest, RefusesAnUnknownLetterInACluster) {
  const auto arguments = parse({"-ix"});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().message, "unknown option -x in -ix");
}

TEST_F(OptionSetTest, RefusesAnOptionWithoutItsValue) {
  for (const char* last : {"-e", "--env", "-ie"}) {
    const auto arguments = parse({last});
    ASSERT_FALSE(arguments) << last;
    EXPECT_EQ(arguments.error().exit_code, exit_usage);
    EXPECT_THAT(arguments.error().message, HasSubstr("needs a value: NAME=VALUE"));
  }
}

TEST_F(OptionSetTest, NeverIgnoresWhatIsNotBuilt) {
  for (const char* word : {"-v", "--volume", "--volume=/a:/b", "-iv"}) {
    const auto arguments = parse({word, "img"});
    ASSERT_FALSE(arguments) << word;
    EXPECT_EQ(arguments.error().exit_code, exit_failure);
    EXPECT_EQ(arguments.error().message, "--volume is not built yet: unsupported");
  }
}

TEST_F(OptionSetTest, AnswersHelpWithAPage) {
  const auto arguments = parse({"-i", "--help"});
  ASSERT_FALSE(arguments);
  EXPECT_EQ(arguments.error().exit_code, exit_success);
  EXPECT_EQ(arguments.error().message,
            "Usage:  boxlite run [OPTIONS] IMAGE\n\nRuns.\n\nOptions:\n"
            "  -i, --interactive     Pass standard input\n"
            "  -t, --tty             Give a terminal\n"
            "      --rm              Remove afterwards\n"
            "  -e, --env NAME=VALUE  Set a variable\n"
            "  -w, --workdir DIR     Start here\n"
            "\nExample:\n  $ boxlite run x\n");
}

TEST_F(OptionSetTest, MentionsABriefSectionInOneLine) {
  OptionSet options({.usage = "boxlite ls", .sentence = "Lists.", .example = ""});
  bool flag = false;
  options.flag('a', "all", flag, "Everything");
  options.section("Global", true);
  options.text(0, "a-very-long-name", "AND-VALUE", directory_, "Not shown");
  options.flag(0, "debug", flag, "Not shown");
  EXPECT_EQ(options.help(),
            "Usage:  boxlite ls\n\nLists.\n\nOptions:\n  -a, --all  Everything\n"
            "\nGlobal: --a-very-long-name --debug\n");
}

TEST_F(OptionSetTest, PassesHelpOfTheInnerCommandOn) {
  const auto arguments = parse({"alpine", "ls", "--help"});
  ASSERT_TRUE(arguments);
  EXPECT_THAT(arguments->words, ElementsAre("alpine", "ls", "--help"));
}

}  // namespace
}  // namespace boxlite::cli
