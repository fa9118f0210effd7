// SPDX-License-Identifier: Apache-2.0
// Homes, names and images: no machine runs in most of these.
#include <atomic>
#include <thread>
#include <vector>

#include <sys/stat.h>

#include "base/concat.h"
#include "base/time.h"
#include "integration/box/box_fixture.h"
#include "store/database.h"
#include "store/migrations.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class HomeTest : public BoxTest {};

TEST_F(HomeTest, IsPrivate) {
  open();
  struct stat status{};
  for (const char* part : {"", "boxes", "images", "disks"}) {
    ASSERT_EQ(::stat((home() / part).c_str(), &status), 0) << part;
    EXPECT_EQ(status.st_mode & 0777, 0700u) << part;
  }
}

TEST_F(HomeTest, MustBeAbsoluteAndNotNewer) {
  EXPECT_EQ(Runtime::open({.home = "relative"}).error().code(), ErrorCode::invalid_argument);
  open();
  {
    auto database = store::Database::open(home() / "boxlite.db");
    ASSERT_TRUE(database && database->execute(concat("PRAGMA user_version=", store::newest_schema() + 1)));
  }
  const auto newer = Runtime::open(options());
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code(), ErrorCode::unsupported);
  EXPECT_THAT(newer.error().remedy(), Not(IsEmpty()));
  auto database = store::Database::open(home() / "boxlite.db");
  ASSERT_TRUE(database && database->execute(concat("PRAGMA user_version=", store::newest_schema())));
}

TEST_F(HomeTest, FindsBoxesByNameIdAndPrefix) {
  auto runtime = open();
  const auto box = create(runtime, {.name = "web"});
  EXPECT_EQ(runtime.get("web")->id(), box.id());
  EXPECT_EQ(runtime.get(box.id())->id(), box.id());
  EXPECT_EQ(runtime.get(box.id().substr(0, 6))->id(), box.id());
  EXPECT_EQ(runtime.create({.name = "web"}).error().code(), ErrorCode::already_exists);
  EXPECT_EQ(runtime.create({.name = "../x"}).error().code(), ErrorCode::invalid_argument);
  for (const char* wrong : {"", "nobody", "../boxes", "%", "*"}) {
    EXPECT_EQ(runtime.get(wrong).error().code(), ErrorCode::not_found) << wrong;
  }
  // 63 boxes cannot all begin with different characters.
  for (int i = 0; i < 62; ++i) create(runtime);
  bool is_ambiguous = false;
  for (const char first :
       std::string_view("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")) {
    const auto found = runtime.get(std::string(1, first));
    if (!found && found.error().code() == ErrorCode::invalid_argument) is_ambiguous = true;
  }
  EXPECT_TRUE(is_ambiguous);
  EXPECT_EQ(runtime.list()->size(), 63u);
  EXPECT_TRUE(runtime.list({.all = false})->empty());
}

TEST_F(HomeTest, OpeningRemovesWhatAKilledRemovalLeft) {
  std::string id;
  {
    auto runtime = open();
    id = create(runtime).id();
  }
  ASSERT_TRUE(make_directories(home() / "boxes" / "0123456789ab" / "tmp"));
  open();
  EXPECT_FALSE(std::filesystem::exists(home() / "boxes" / "0123456789ab"));
  auto runtime = open();
  EXPECT_TRUE(runtime.get(id)) << "a box without a directory is a box that never started";
}

TEST_F(HomeTest, TheHostCanBeChecked) {
  auto runtime = open();
  const auto report = runtime.check_host();
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->is_usable());
  EXPECT_NE(report->accelerator, Accelerator::automatic);
  EXPECT_THAT(report->qemu_version, HasSubstr("."));
  EXPECT_TRUE(std::filesystem::exists(report->kernel_path));
}

TEST_F(HomeTest, TheBundledImageIsThereWithoutANetwork) {
  auto runtime = open();
  const auto image = runtime.images().get("boxlite/base");
  ASSERT_TRUE(image) << image.error().message();
  EXPECT_EQ(image->reference, "docker.io/boxlite/base:latest");
  EXPECT_EQ(runtime.images().list()->size(), 1u);
  EXPECT_EQ(runtime.images().get("boxlite/base:2").error().code(), ErrorCode::not_found);
}

TEST_F(HomeTest, ImagesCanGoButNotTheDiskUnderABox) {
  auto runtime = open();
  auto images = runtime.images();
  auto box = create(runtime, {.name = "b"});
  EXPECT_EQ(run_in(box, {"sh", "-c", "echo kept > /f"}).status.exit_code, 0);
  ASSERT_TRUE(box.stop());
  EXPECT_EQ(images.remove("boxlite/base").error().code(), ErrorCode::invalid_state);
  ASSERT_TRUE(images.remove("boxlite/base", {.force = true}));
  ASSERT_TRUE(images.prune({.all = true}));
  EXPECT_EQ(run_in(box, {"cat", "/f"}).out, "kept\n") << "the box starts without its image";
  ASSERT_TRUE(runtime.remove("b", {.force = true}));
  const auto pruned = images.prune();
  ASSERT_TRUE(pruned);
  EXPECT_EQ(pruned->removed.size(), 1u);
  EXPECT_GT(pruned->freed_bytes, 0u);
}

TEST_F(HomeTest, ImagesCanBeExported) {
  auto runtime = open();
  ASSERT_TRUE(runtime.images().export_rootfs("boxlite/base", directory() / "rootfs"));
  EXPECT_TRUE(std::filesystem::exists(directory() / "rootfs" / "bin" / "busybox"));
}

TEST_F(HomeTest, IsRefusedWhereOthersMayWrite) {
  open();
  for (const auto& part : {home(), home() / "boxes", home() / "images"}) {
    ASSERT_EQ(::chmod(part.c_str(), 0777), 0);
    const auto refused = Runtime::open(options());
    ASSERT_FALSE(refused) << part;
    EXPECT_EQ(refused.error().code(), ErrorCode::permission_denied);
    EXPECT_THAT(refused.error().message(), HasSubstr(part.native()));
    EXPECT_THAT(refused.error().remedy(), HasSubstr(concat("chmod go-w ", part.native())));
    ASSERT_EQ(::chmod(part.c_str(), 0755), 0) << "to read it is enough for nothing";
    EXPECT_TRUE(Runtime::open(options()));
  }
  // A saved machine is a process that is gone on from.
  const auto machines = home() / "machines";
  ASSERT_TRUE(make_directories(machines));
  ASSERT_EQ(::chmod(machines.c_str(), 0757), 0);
  EXPECT_EQ(Runtime::open(options()).error().code(), ErrorCode::permission_denied);
  ASSERT_EQ(::chmod(machines.c_str(), 0700), 0);
}

TEST_F(HomeTest, IsRefusedWhenItBelongsToSomebodyElse) {
  if (::geteuid() != 0) {
    const auto roots = Runtime::open({.home = "/usr"});
    ASSERT_FALSE(roots);
    EXPECT_EQ(roots.error().code(), ErrorCode::permission_denied);
    EXPECT_THAT(roots.error().message(), HasSubstr("belongs to root"));
    return;
  }
  open();
  ASSERT_EQ(::chown(home().c_str(), 65534, 65534), 0);
  const auto foreign = Runtime::open(options());
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().code(), ErrorCode::permission_denied);
  EXPECT_THAT(foreign.error().message(), HasSubstr("belongs to nobody"));
  EXPECT_THAT(foreign.error().remedy(), HasSubstr("without sudo"));
  ASSERT_EQ(::chown(home().c_str(), 0, 0), 0);
}

// By design it stays when its start has failed, whoever looks for boxes without a starter meanwhile.
TEST_F(HomeTest, ABoxForOnceOutlivesStartsThatFail) {
  auto runtime = open();
  auto box = create(runtime, {.image = "127.0.0.1:1/none", .auto_remove = true});
  std::atomic<bool> is_over = false;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        while (!is_over) EXPECT_THAT(box.start().error().message(), HasSubstr("127.0.0.1:1"));
      });
    }
    threads.emplace_back([&] {
      while (!is_over) EXPECT_THAT(runtime.collect_garbage()->removed, IsEmpty());
    });
    threads.emplace_back([&] {
      while (!is_over) EXPECT_TRUE(Runtime::open(options()));
    });
    const auto deadline = Deadline::after(1s);
    while (runtime.get(box.id()) && !deadline.has_passed()) std::this_thread::yield();
    is_over = true;
  }
  EXPECT_TRUE(runtime.get(box.id()));
}

}  // namespace
}  // namespace boxlite::test
