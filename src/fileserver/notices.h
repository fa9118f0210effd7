// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "fileserver/channel.h"

namespace boxlite::fileserver {

// What the guest's kernel is told to forget, unasked. It does so some time later, and the guest says when
// (wire::forgotten_order): until then, what it is told anew may meet pages of before. One thread at a time.
class Notices {
 public:
  explicit Notices(Channel& channel) : channel_(channel) {}

  // Contents and attributes of a file. The number of this notice.
  std::uint64_t forget_file(std::uint64_t node);
  // A name in a directory.
  std::uint64_t forget_name(std::uint64_t directory, std::string_view name);

  // The guest has done so with the next `count`.
  void done(std::uint64_t count);
  bool is_done(std::uint64_t number) const { return number <= done_; }
  // How many were sent, and taken in; what another process has sent comes first.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t done() const { return done_; }
  void restore(std::uint64_t sent, std::uint64_t done) {
    sent_ = sent;
    done_ = done < sent ? done : sent;
  }
  // There is nothing that the guest would have to forget.
  void clear() { done_ = sent_; }

 private:
  Channel& channel_;
  std::uint64_t sent_ = 0;
  std::uint64_t done_ = 0;
};

}  // namespace boxlite::fileserver
