// SPDX-License-Identifier: Apache-2.0
// For tests: a guest without a kernel, that says to the server whatever it likes. Folders are attached and
// detached as the shim does it.
#pragma once

#include <chrono>
#include <cstring>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "fileserver/test_folder.h"
#include "fuse/messages.h"
#include "jail/shared_folders.h"
#include "linux/sockets/unix_socket.h"
#include "wire/folder_orders.h"

namespace boxlite::fileserver {

class HostileGuest {
 public:
  struct Reply {
    int error = 0;  // an errno, positive
    std::string body = {};

    template <typename T>
    T as() const {
      T value = {};
      std::memcpy(&value, body.data(), std::min(body.size(), sizeof value));
      return value;
    }
  };
  // What the server said unasked.
  struct Notice {
    int code = 0;
    std::string body = {};
  };

  // `acknowledges`: it will say what it has forgotten. `features`: what its kernel offers (fuse::agree).
  explicit HostileGuest(bool acknowledges = true, std::uint64_t features = 0) {
    place_.emplace(*TempDir::create(std::filesystem::temp_directory_path(), "boxlite-hostile-"));
    std::filesystem::create_directory(served());
    folders_.emplace(*jail::SharedFolders::create(served()));
    auto ends = *linux_::unix_socket_pair();
    server_ = ::fork();
    if (server_ == 0) become_server(folders_->root_fd(), ends.first.get());
    stream_ = std::move(ends.second);
    const timeval patience = {.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(stream_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (acknowledges) say_forgotten(0);
    fuse_init_in in = {};
    in.major = FUSE_KERNEL_VERSION;
    in.minor = FUSE_KERNEL_MINOR_VERSION;
    in.flags = static_cast<std::uint32_t>(features);
    in.flags2 = static_cast<std::uint32_t>(features >> 32);
    EXPECT_EQ(ask(FUSE_INIT, 0, fuse::bytes_of(in)).error, 0);
  }
  HostileGuest(const HostileGuest&) = delete;
  HostileGuest& operator=(const HostileGuest&) = delete;
  ~HostileGuest() {
    end_server(server_);
    ::umount2(served().c_str(), MNT_DETACH);
  }

  // A directory of the host, beside others that are not shared.
  std::filesystem::path host(std::string_view name) const { return place_->path() / name; }
  void attach(const std::string& name, const std::filesystem::path& source, bool is_read_only = false) {
    std::filesystem::create_directories(source);
    EXPECT_TRUE(folders_->attach(name, open_file(source, O_PATH)->get(), is_read_only));
  }
  void detach(const std::string& name) { EXPECT_TRUE(folders_->detach(name)); }
  pid_t server() const { return server_; }

  // Asks, and takes the answer; notices that come before it are kept.
  Reply ask(std::uint32_t opcode, std::uint64_t node, std::string_view payload, std::uint32_t pid = 1) {
    return answer_to(send(opcode, node, payload, pid));
  }
  std::uint64_t send(std::uint32_t opcode, std::uint64_t node, std::string_view payload,
                     std::uint32_t pid = 1) {
    fuse_in_header header = {};
    header.len = static_cast<std::uint32_t>(sizeof header + payload.size());
    header.opcode = opcode;
    header.unique = ++unique_;
    header.nodeid = node;
    header.pid = pid;
    EXPECT_TRUE(write_all(stream_.get(), std::string(fuse::bytes_of(header)).append(payload), "server"));
    return header.unique;
  }
  Reply answer_to(std::uint64_t unique) {
    while (const auto message = next()) {
      if (message->first.unique == unique) return {-message->first.error, message->second};
      if (message->first.unique == 0) notices_.push_back({message->first.error, message->second});
    }
    ADD_FAILURE() << "no answer";
    return {EPIPE};
  }
  // Until the server has begun to say something else.
  void wait_for_more() {
    pollfd more = {stream_.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&more, 1, 20'000), 1);
  }
  // To any request: its number, and an errno.
  std::pair<std::uint64_t, int> next_answer() {
    while (const auto message = next())
      if (message->first.unique != 0) return {message->first.unique, -message->first.error};
    return {0, EPIPE};
  }
  // Of the notices that were sent, so many more are done.
  void say_forgotten(std::uint32_t count) {
    send(wire::forgotten_order, 0, fuse::bytes_of(wire::Forgotten{.count = count}));
  }
  Notice next_notice() {
    while (notices_.empty()) {
      const auto message = next();
      if (!message) return {};
      if (message->first.unique == 0) notices_.push_back({message->first.error, message->second});
    }
    auto notice = std::move(notices_.front());
    notices_.pop_front();
    return notice;
  }

  Reply look_up(std::uint64_t directory, std::string_view name) {
    return ask(FUSE_LOOKUP, directory, concat(name, '\0'));
  }
  // 0: it is not there.
  std::uint64_t node_of(std::uint64_t directory, std::string_view name) {
    const auto reply = look_up(directory, name);
    return reply.error == 0 ? reply.as<fuse_entry_out>().nodeid : 0;
  }
  Reply open(std::uint64_t node, std::uint32_t flags) {
    const fuse_open_in in = {.flags = flags, .open_flags = 0};
    const auto first = ask(FUSE_OPEN, node, fuse::bytes_of(in));
    // "Look it up again" is what a kernel would do.
    return first.error == ESTALE ? ask(FUSE_OPEN, node, fuse::bytes_of(in)) : first;
  }
  Reply write(std::uint64_t node, std::uint64_t file, std::string_view text) {
    fuse_write_in in = {};
    in.fh = file;
    in.size = static_cast<std::uint32_t>(text.size());
    return ask(FUSE_WRITE, node, concat(fuse::bytes_of(in), text));
  }
  Reply read(std::uint32_t opcode, std::uint64_t node, std::uint64_t file, std::uint32_t size = 4096) {
    fuse_read_in in = {};
    in.fh = file;
    in.size = size;
    return ask(opcode, node, fuse::bytes_of(in));
  }

 private:
  std::filesystem::path served() const { return place_->path() / "served"; }
  std::optional<std::pair<fuse_out_header, std::string>> next() {
    while (true) {
      if (const auto message = answers_.next()) {
        fuse_out_header header;
        std::memcpy(&header, message->data(), sizeof header);
        return std::pair(header, std::string(message->substr(sizeof header)));
      }
      if (!answers_.fill(stream_.get()).value_or(false)) return std::nullopt;
    }
  }

  std::optional<TempDir> place_;
  std::optional<jail::SharedFolders> folders_;
  pid_t server_ = -1;
  UniqueFd stream_;
  fuse::MessageReader answers_{sizeof(fuse_out_header)};
  std::deque<Notice> notices_;
  std::uint64_t unique_ = 0;
};

}  // namespace boxlite::fileserver
