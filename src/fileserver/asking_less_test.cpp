// SPDX-License-Identifier: Apache-2.0
// What a guest of guest/kernel/patches/5-fuse-tell-more is told, so that it need not ask.
#include <filesystem>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>

#include "base/concat.h"
#include "fileserver/test_hostile_guest.h"
#include "fuse/agreement.h"
#include "fuse/messages.h"

namespace boxlite::fileserver {
namespace {

using fuse::bytes_of;

class AskingLess : public testing::Test {
 protected:
  void SetUp() override {
    if (!enter_mount_namespace()) GTEST_SKIP() << "needs root, to mount";
    begin(true, fuse::tells_more | FUSE_INIT_EXT);
  }
  void begin(bool acknowledges, std::uint64_t features) {
    guest_.emplace(acknowledges, features);
    guest_->attach("0", host());
    top_ = guest_->node_of(FUSE_ROOT_ID, "0");
  }
  std::filesystem::path host() const { return guest_->host("folder"); }
  HostileGuest::Reply make_directory(std::string_view name) {
    return guest_->ask(FUSE_MKDIR, top_, concat(bytes_of(fuse_mkdir_in{0755, 0}), name, '\0'));
  }
  bool is_said_to_be_empty(std::string_view name) {
    const auto made = make_directory(name);
    EXPECT_EQ(made.error, 0);
    return (made.as<fuse_entry_out>().attr.flags & fuse::attr_is_empty) != 0;
  }
  // A new file, open.
  std::pair<std::uint64_t, std::uint64_t> made_file(std::string_view name) {
    fuse_create_in in = {};
    in.flags = O_RDWR | O_CREAT;
    in.mode = 0644;
    const auto made = guest_->ask(FUSE_CREATE, top_, concat(bytes_of(in), name, '\0'));
    EXPECT_EQ(made.error, 0);
    fuse_open_out open;
    std::memcpy(&open, made.body.data() + sizeof(fuse_entry_out), sizeof open);
    return {made.as<fuse_entry_out>().nodeid, open.fh};
  }

  std::optional<HostileGuest> guest_;
  std::uint64_t top_ = 0;
};

TEST_F(AskingLess, ANewDirectoryIsSaidToBeEmpty) {
  EXPECT_TRUE(is_said_to_be_empty("d"));
  const auto known = guest_->look_up(top_, "d");
  EXPECT_EQ(known.as<fuse_entry_out>().attr.flags & fuse::attr_is_empty, 0u) << "only when it is made";
}

TEST_F(AskingLess, NotWhereTheGuestDidNotAgree) {
  begin(true, 0);
  EXPECT_FALSE(is_said_to_be_empty("d"));
}

TEST_F(AskingLess, NotWhereTheGuestDoesNotSayWhatItHasForgotten) {
  begin(false, fuse::tells_more | FUSE_INIT_EXT);
  EXPECT_FALSE(is_said_to_be_empty("d"));
}

TEST_F(AskingLess, OfEachNameInItTheGuestHears) {
  ASSERT_TRUE(is_said_to_be_empty("d"));
  const auto directory = guest_->node_of(top_, "d");
  const std::ofstream made(host() / "d" / "x");
  guest_->look_up(top_, "d");
  for (auto notice = guest_->next_notice();; notice = guest_->next_notice()) {
    ASSERT_NE(notice.code, 0) << "no word of it";
    fuse_notify_inval_entry_out out = {};
    if (notice.code != FUSE_NOTIFY_INVAL_ENTRY) continue;
    std::memcpy(&out, notice.body.data(), sizeof out);
    if (out.parent == directory && notice.body.substr(sizeof out, 1) == "x") break;
  }
}

TEST_F(AskingLess, AWriteIsAnsweredWithWhatTheFileIs) {
  const auto [node, file] = made_file("f");
  fuse_write_in in = {};
  in.fh = file;
  in.offset = 10;
  in.size = 4;
  in.write_flags = fuse::write_asks_attr;
  const auto written = guest_->ask(FUSE_WRITE, node, concat(bytes_of(in), "text"));
  ASSERT_EQ(written.error, 0);
  ASSERT_EQ(written.body.size(), sizeof(fuse_write_out) + sizeof(fuse_attr_out));
  EXPECT_EQ(written.as<fuse_write_out>().size, 4u);
  const auto got = guest_->ask(FUSE_GETATTR, node, bytes_of(fuse_getattr_in{}));
  EXPECT_EQ(got.as<fuse_attr_out>().attr.size, 14u);
  EXPECT_EQ(written.body.substr(sizeof(fuse_write_out)), got.body);
  in.fh = 1000;
  EXPECT_EQ(guest_->ask(FUSE_WRITE, node, concat(bytes_of(in), "text")).error, EBADF);
}

TEST_F(AskingLess, WhoWantsNoAnswerGetsNone) {
  const auto [node, file] = made_file("f");
  fuse_release_in in = {};
  in.release_flags = fuse::release_unanswered;
  for (const auto handle : {file, file, std::uint64_t{1000}}) {
    in.fh = handle;
    guest_->send(FUSE_RELEASE, node, bytes_of(in));
  }
  const auto next = guest_->send(FUSE_GETATTR, node, bytes_of(fuse_getattr_in{}));
  EXPECT_EQ(guest_->next_answer(), std::pair(next, 0));
  EXPECT_EQ(guest_->read(FUSE_READ, node, file).error, EBADF) << "it is closed";
}

}  // namespace
}  // namespace boxlite::fileserver
