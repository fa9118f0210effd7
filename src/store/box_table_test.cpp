// SPDX-License-Identifier: Apache-2.0
#include "store/box_table.h"

#include <csignal>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "store/migrations.h"

namespace boxlite::store {
namespace {

using testing::ElementsAre;

BoxRecord record(std::string id, std::string name = {}) {
  return {.id = std::move(id),
          .name = std::move(name),
          .created_at = "2026-11-22T10:00:00.000Z",
          .spec = "{}",
          .image_digest = {},
          .image_config = {},
          .disk_base = {},
          .state = {.status = "configured",
                    .exit_code = std::nullopt,
                    .started_at = {},
                    .stopped_at = {},
                    .failure = {},
                    .shim_pid = std::nullopt,
                    .vmm_pid = std::nullopt,
                    .accelerator = {},
                    .kernel_release = {},
                    .stages = "[]"}};
}

class BoxTableTest : public testing::Test {
 protected:
  BoxTableTest() : dir_(TempDir::create(testing::TempDir(), "store-")) {}
  std::filesystem::path path() const { return dir_->path() / "boxlite.db"; }
  BoxTable open() const {
    auto table = BoxTable::open(path());
    EXPECT_TRUE(table) << table.error().message();
    return *std::move(table);
  }
  Result<TempDir> dir_;
};

TEST_F(BoxTableTest, ReturnsWhatWasInserted) {
  auto table = open();
  auto box = record("abc123ABC123", "web");
  box.state.exit_code = 7;
  box.state.oom_killed = true;
  box.spec = std::string("{\"env\":[\"\xff\"]}");
  ASSERT_TRUE(table.insert(box));
  EXPECT_EQ(*table.get(box.id), box);
  EXPECT_EQ(table.get("nobody").error().code(), ErrorCode::not_found);
}

TEST_F(BoxTableTest, KeepsRecordsForTheNextProcess) {
  {
    ASSERT_TRUE(open().insert(record("a1", "web")));
  }
  auto table = open();
  EXPECT_EQ(table.list()->size(), 1u);
}

TEST_F(BoxTableTest, FileIsPrivate) {
  open();
  struct stat status{};
  ASSERT_EQ(::stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(BoxTableTest, RefusesATakenNameButNotTwoUnnamedBoxes) {
  auto table = open();
  ASSERT_TRUE(table.insert(record("a1", "web")));
  const auto second = table.insert(record("b2", "web"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), ErrorCode::already_exists);
  EXPECT_FALSE(second.error().remedy().empty());
  EXPECT_TRUE(table.insert(record("c3")));
  EXPECT_TRUE(table.insert(record("d4")));
  EXPECT_EQ(table.list()->size(), 3u);
}

TEST_F(BoxTableTest, RenamesToANameThatIsFree) {
  auto table = open();
  ASSERT_TRUE(table.insert(record("a1", "web")));
  ASSERT_TRUE(table.insert(record("b2", "db")));
  EXPECT_EQ(table.set_name("a1", "db").error().code(), ErrorCode::already_exists);
  EXPECT_EQ(table.set_name("c3", "x").error().code(), ErrorCode::not_found);
  ASSERT_TRUE(table.set_name("a1", "old"));
  EXPECT_TRUE(table.set_name("b2", "web"));
  EXPECT_EQ(table.find("old")->front().id, "a1");
  EXPECT_EQ(table.find("web")->front().id, "b2");
}

TEST_F(BoxTableTest, FindsByNameFirstThenByPrefixOfTheId) {
  auto table = open();
  ASSERT_TRUE(table.insert(record("aa11")));
  ASSERT_TRUE(table.insert(record("aa22", "aa")));
  ASSERT_TRUE(table.insert(record("bb33")));
  EXPECT_EQ(table.find("aa")->size(), 1u);
  EXPECT_EQ(table.find("aa")->front().id, "aa22");
  EXPECT_EQ(table.find("a")->size(), 2u);
  EXPECT_EQ(table.find("bb33")->front().id, "bb33");
  EXPECT_TRUE(table.find("*")->empty());
  EXPECT_TRUE(table.find("")->empty());
  EXPECT_TRUE(table.find("[a]")->empty());
}

TEST_F(BoxTableTest, ListsNewestFirst) {
  auto table = open();
  for (const char* id : {"z", "m", "a"}) ASSERT_TRUE(table.insert(record(id)));
  std::vector<std::string> ids;
  const auto boxes = table.list();
  ASSERT_TRUE(boxes);
  for (const auto& box : *boxes) ids.push_back(box.id);
  EXPECT_THAT(ids, ElementsAre("a", "m", "z"));
}

TEST_F(BoxTableTest, ChangesStateAndDiskOfExistingBoxesOnly) {
  auto table = open();
  ASSERT_TRUE(table.insert(record("a1")));
  auto state = record("a1").state;
  state.status = "failed";
  state.failure = "guest did not come up";
  state.shim_pid = 17;
  ASSERT_TRUE(table.set_state("a1", state));
  ASSERT_TRUE(
      table.set_origin("a1", {.image_digest = "sha256:m", .image_config = "{}", .disk_base = "chain"}));
  EXPECT_EQ(table.get("a1")->state, state);
  EXPECT_EQ(table.get("a1")->disk_base, "chain");
  EXPECT_THAT(*table.disk_bases(), ElementsAre("chain"));
  EXPECT_EQ(table.get("a1")->image_digest, "sha256:m");
  EXPECT_EQ(table.get("a1")->image_config, "{}");
  EXPECT_EQ(table.set_state("b2", state).error().code(), ErrorCode::not_found);
  EXPECT_EQ(table.set_origin("b2", {}).error().code(), ErrorCode::not_found);
}

TEST_F(BoxTableTest, ErasesTheBoxWithItsState) {
  auto table = open();
  ASSERT_TRUE(table.insert(record("a1", "web")));
  EXPECT_TRUE(*table.erase("a1"));
  EXPECT_FALSE(*table.erase("a1"));
  // The name is free again, and no state row stands in the way of the same id.
  EXPECT_TRUE(table.insert(record("a1", "web")));
}

TEST_F(BoxTableTest, ManyProcessesMayOpenANewHomeAtOnceAndWrite) {
  constexpr int process_count = 8;
  std::vector<pid_t> children;
  for (int i = 0; i < process_count; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      auto table = BoxTable::open(path());
      bool is_good = table.has_value();
      for (int n = 0; is_good && n < 5; ++n)
        is_good = table->insert(record(concat("p", i, "n", n))).has_value();
      ::_exit(is_good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(open().list()->size(), 5u * process_count);
}

TEST_F(BoxTableTest, RefusesTheSchemaOfANewerProgram) {
  {
    auto database = Database::open(path());
    ASSERT_TRUE(database);
    ASSERT_TRUE(database->execute(concat("PRAGMA user_version=", newest_schema() + 1)));
  }
  const auto table = BoxTable::open(path());
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::unsupported);
  EXPECT_THAT(table.error().remedy(), testing::HasSubstr("newer BoxLite"));
}

TEST_F(BoxTableTest, SaysThatAFileIsNoDatabase) {
  ASSERT_TRUE(write_file_atomic(path(), std::string(4096, 'x')));
  const auto table = BoxTable::open(path());
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code(), ErrorCode::corrupted);
}

// A file-size limit is to SQLite what a full disk is: no file of the process grows.
class NoRoom {
 public:
  NoRoom() {
    old_handler_ = ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &old_);
    const rlimit none{.rlim_cur = 1024, .rlim_max = old_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &none);
  }
  ~NoRoom() {
    ::setrlimit(RLIMIT_FSIZE, &old_);
    ::signal(SIGXFSZ, old_handler_);
  }
  NoRoom(const NoRoom&) = delete;
  NoRoom& operator=(const NoRoom&) = delete;

 private:
  rlimit old_{};
  sighandler_t old_handler_ = SIG_DFL;
};

TEST_F(BoxTableTest, AFullDiskLeavesWhatIsThereReadable) {
  ASSERT_TRUE(open().insert(record("abc")));
  std::optional<BoxTable> table;
  {
    const NoRoom no_room;
    table.emplace(open());
    EXPECT_EQ(table->list()->size(), 1u);
    const auto written = table->insert(record("def"));
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code(), ErrorCode::resource_exhausted) << written.error().message();
    EXPECT_THAT(written.error().remedy(), testing::HasSubstr("free space"));
  }
  ASSERT_TRUE(table->insert(record("def")));
  EXPECT_EQ(open().list()->size(), 2u);
}

TEST_F(BoxTableTest, AFailedTransactionLeavesNothing) {
  auto database = Database::open(path());
  ASSERT_TRUE(database && migrate(*database));
  {
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->execute("INSERT INTO boxes(id, created_at, spec) VALUES('x', '', '')"));
  }
  auto query = database->prepare("SELECT count(*) FROM boxes");
  ASSERT_TRUE(query && query->step());
  EXPECT_EQ(query->number(0), 0);
}

}  // namespace
}  // namespace boxlite::store
