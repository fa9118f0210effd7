// SPDX-License-Identifier: Apache-2.0
// Boxes that are recorded but never started.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include <gmock/gmock.h>

#include "base/sanitizers.h"
#include "support/leftovers.h"
#include "support/temp_home.h"

namespace boxlite::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;
using testing::StartsWith;

class HomeTest : public testing::Test {
 protected:
  TempHome home_{BOXLITE_PROGRAM};
};

TEST_F(HomeTest, RecordsABoxWithoutStartingIt) {
  const auto created = home_.run({"create", "--name", "web", "nowhere.invalid/no/such:image"});
  EXPECT_EQ(created.code(), 0) << created.err;
  EXPECT_THAT(created.out, MatchesRegex("[0-9A-Za-z]{12}\n"));
  EXPECT_THAT(processes_of(home_.directory()), testing::SizeIs(0));

  EXPECT_THAT(home_.run({"ls", "-q"}).out, IsEmpty());
  EXPECT_EQ(home_.run({"ls", "-aq"}).out, created.out);
  EXPECT_THAT(home_.run({"ps", "-a"}).out, AllOf(HasSubstr("web"), HasSubstr("Created")));
  EXPECT_EQ(home_.run({"inspect", "-f", "{{.Name}} {{.State.Status}}", "web"}).out, "web configured\n");

  EXPECT_EQ(home_.run({"rm", "web"}).out, "web\n");
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(HomeTest, FindsABoxByItsIdAndAPrefixOfIt) {
  const auto id = home_.run({"create", "x"}).out.substr(0, 12);
  EXPECT_EQ(home_.run({"inspect", "-f", "{{.Id}}", id}).out, id + "\n");
  EXPECT_EQ(home_.run({"inspect", "-f", "{{.Id}}", id.substr(0, 6)}).out, id + "\n");
}

TEST_F(HomeTest, RefusesANameThatIsTaken) {
  ASSERT_EQ(home_.run({"create", "--name", "web", "x"}).code(), 0);
  const auto again = home_.run({"create", "--name", "web", "x"});
  EXPECT_EQ(again.code(), 125);
  EXPECT_THAT(again.err, AllOf(StartsWith("boxlite: "), HasSubstr("web")));
}

TEST_F(HomeTest, RefusesAtOnceWhatNoStartCouldGive) {
  const auto missing = (home_.directory() / "none.sock").native();
  const std::vector<std::pair<std::vector<std::string>, const char*>> wrong = {
      {{"--host-ca", "/nonexistent"}, "PEM form"},
      {{"--host-ca", "/etc/passwd"}, "there is no certificate in it"},
      {{"--secret-ca", "/nonexistent"}, "PEM form"},
      {{"--secret-ca", "/etc/passwd"}, "there is no certificate in it"},
      {{"-P", "--expose", "1-257"}, "257 ports are exposed"},
      {{"--tmpfs", "/dev"}, "\"/dev\""},
      {{"-v", missing + ":/x"}, "start the service"},
      {{"-u", "99999999999"}, "\"99999999999\""},
      {{"--disk-size", "1k"}, "at least 1 GiB"}};
  for (const auto& [options, said] : wrong) {
    std::vector<std::string> words{"create"};
    words.insert(words.end(), options.begin(), options.end());
    words.emplace_back("x");
    const auto refused = home_.run(words);
    EXPECT_NE(refused.code(), 0) << options.front();
    EXPECT_THAT(refused.err, HasSubstr(said));
  }
  EXPECT_FALSE(std::filesystem::exists(missing));
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(HomeTest, NamesTheCallersLimitOfMemory) {
#ifdef BOXLITE_ADDRESS_SANITIZER
  GTEST_SKIP() << "AddressSanitizer reserves more address space than the limit allows";
#endif
  for (const std::string letter : {"v", "d"}) {
    auto limited = home_.command({"create", "--memory", "8g", "x"});
    limited.words.insert(limited.words.begin(),
                         {"/bin/sh", "-c", "ulimit -" + letter + " 4000000; exec \"$@\"", "sh"});
    const auto refused = Program(limited).wait();
    EXPECT_EQ(refused.exit_code, 125);
    EXPECT_THAT(refused.err, AllOf(HasSubstr("3906 MiB (ulimit -" + letter + ")"), HasSubstr("raise")));
  }
}

TEST_F(HomeTest, TakesDockersHostNames) {
  EXPECT_EQ(home_.run({"create", "-h", "my_host", "x"}).code(), 0);
  EXPECT_EQ(home_.run({"create", "-h", "-x", "x"}).code(), 125);
}

TEST_F(HomeTest, RenamesABox) {
  ASSERT_EQ(home_.run({"create", "--name", "web", "x"}).code(), 0);
  ASSERT_EQ(home_.run({"create", "--name", "db", "x"}).code(), 0);
  const auto renamed = home_.run({"rename", "web", "old"});
  EXPECT_EQ(renamed.code(), 0) << renamed.err;
  EXPECT_EQ(home_.run({"inspect", "-f", "{{.Name}}", "old"}).out, "old\n");
  EXPECT_EQ(home_.run({"inspect", "web"}).code(), 125);
  EXPECT_THAT(home_.run({"ls", "-a"}).out, AllOf(HasSubstr("old"), Not(HasSubstr("web"))));
  for (const auto* name : {"db", "../evil", ""})
    EXPECT_THAT(home_.run({"rename", "old", name}).err, StartsWith("boxlite: rename box")) << name;
  EXPECT_EQ(home_.run({"rename", "old", "old"}).code(), 0);
}

TEST_F(HomeTest, FindsBoxesByTheirLabels) {
  const auto red = home_.run({"create", "-l", "team=red", "--label", "ready", "x"}).out;
  const auto blue = home_.run({"create", "-l", "team=blue", "x"}).out;
  EXPECT_EQ(home_.run({"ls", "-aq", "--filter", "label=team=red"}).out, red);
  EXPECT_EQ(home_.run({"ls", "-aq", "--filter", "label=team"}).out, blue + red);
  EXPECT_THAT(home_.run({"ls", "-aq", "--filter", "label=team", "--filter", "label=no"}).out, IsEmpty());
  EXPECT_EQ(home_.run({"inspect", "-f", "{{.Config.Labels.team}}", blue.substr(0, 12)}).out, "blue\n");
  EXPECT_EQ(home_.run({"ls", "-aq", "--filter", "health=none"}).out, blue + red);
}

TEST_F(HomeTest, PruneKeepsWhatNeverRan) {
  ASSERT_EQ(home_.run({"create", "--name", "web", "x"}).code(), 0);
  const auto pruned = home_.run({"prune"});  // nothing to remove, nothing to ask
  EXPECT_EQ(pruned.code(), 0) << pruned.err;
  EXPECT_EQ(pruned.out, "Freed: 0 B\n");
  EXPECT_EQ(home_.run({"inspect", "web"}).code(), 0);
}

TEST_F(HomeTest, RefusesMaliciousNamesAndReferences) {
  const std::vector<std::vector<std::string>> lines{{"create", "--name", "../evil", "x"},
                                                    {"create", "--name", "-x", "x"},
                                                    {"create", "--name", "a b", "x"},
                                                    {"create", "--name", std::string(200, 'a'), "x"},
                                                    {"create", "UPPER/Case"},
                                                    {"create", "../x"},
                                                    {"create", "x:"},
                                                    {"create", "--cpus", "0", "x"},
                                                    {"create", "--cpus", "1000", "x"},
                                                    {"create", "--memory", "1", "x"},
                                                    {"create", "-w", "relative", "x"},
                                                    {"create", "--disk-size", "999999", "x"},
                                                    {"create", "--cap-add", "NO_SUCH", "x"},
                                                    {"create", "--platform", "beos/ppc", "x"}};
  for (const auto& line : lines) {
    const auto result = home_.run(line);
    EXPECT_EQ(result.code(), 125) << testing::PrintToString(line) << result.err;
    EXPECT_THAT(result.err, StartsWith("boxlite: ")) << testing::PrintToString(line);
  }
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(HomeTest, SaysWhichBoxIsNotThereAndDoesTheRest) {
  ASSERT_EQ(home_.run({"create", "--name", "one", "x"}).code(), 0);
  for (const char* verb : {"stop", "inspect", "rm"}) {
    const auto result = home_.run({verb, "missing", "one"});
    EXPECT_EQ(result.code(), 125) << verb;
    EXPECT_THAT(result.err, HasSubstr("missing")) << verb;
    EXPECT_THAT(result.out, HasSubstr("one")) << verb;
  }
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
  for (const char* name : {"", "../..", "a/b", "%00", "\n"}) {
    EXPECT_EQ(home_.run({"inspect", name}).code(), 125) << name;
  }
}

TEST_F(HomeTest, RemovesAllBoxes) {
  for (int i = 0; i < 3; ++i) ASSERT_EQ(home_.run({"create", "x"}).code(), 0);
  EXPECT_EQ(home_.run({"rm", "-a"}).code(), 0);
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(HomeTest, LetsManyProcessesUseOneHomeAtOnce) {
  std::vector<std::unique_ptr<Program>> programs;
  for (int i = 0; i < 8; ++i) {
    programs.push_back(
        std::make_unique<Program>(home_.command({"create", "--name", "b" + std::to_string(i), "x"})));
  }
  for (auto& program : programs) {
    const auto result = program->wait();
    EXPECT_EQ(result.code(), 0) << result.err;
  }
  const auto ids = home_.run({"ls", "-aq"}).out;
  EXPECT_EQ(std::ranges::count(ids, '\n'), 8);
}

TEST_F(HomeTest, LeavesNoRecordOfARunWhoseImageIsUnknown) {
  const auto result = home_.run({"run", "--pull", "never", "no-such-image", "true"});
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, HasSubstr("no-such-image"));
  EXPECT_THAT(result.out, IsEmpty());
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
}

TEST_F(HomeTest, ReportsAHomeThatCannotBe) {
  std::ofstream(home_.directory() / "file").put('x');
  auto options = home_.command({"ls"});
  options.environment["BOXLITE_HOME"] = (home_.directory() / "file" / "home").string();
  const auto result = run_program(options);
  EXPECT_EQ(result.code(), 125);
  EXPECT_THAT(result.err, HasSubstr("Not a directory"));
}

TEST_F(HomeTest, PrefersTheOptionToTheVariable) {
  const auto other = (home_.directory() / "other").string();
  ASSERT_EQ(home_.run({"create", "--home", other, "--name", "web", "x"}).code(), 0);
  EXPECT_THAT(home_.run({"ls", "-aq"}).out, IsEmpty());
  EXPECT_THAT(home_.run({"--home", other, "ls", "-aq"}).out, Not(IsEmpty()));
}

TEST_F(HomeTest, ReadsItsConfigFile) {
  const auto config = home_.directory() / "config.json";
  std::ofstream(config) << "{\"home\": \"" << (home_.directory() / "configured").string() << "\"}";
  auto options = home_.command({"--config", config.string(), "create", "x"});
  options.environment.erase("BOXLITE_HOME");
  EXPECT_EQ(run_program(options).code(), 0);
  EXPECT_TRUE(std::filesystem::exists(home_.directory() / "configured"));
  std::ofstream(config) << "{\"hom\": 1}";
  EXPECT_EQ(run_program(options).code(), 2);
  options.words[2] = "/nonexistent.json";
  EXPECT_EQ(run_program(options).code(), 2);
}

}  // namespace
}  // namespace boxlite::test
