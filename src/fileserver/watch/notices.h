// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "fileserver/channel.h"

namespace boxlite::fileserver {

// What the guest's kernel is told to forget, unasked. It does so some time later, and the guest says when
// (wire::forgotten_order): until then, what it is told anew may meet pages of before. However much the host
// does, no more are under way than the guest has memory for; the others wait here, each once. A guest that
// never says so (an older agent's, in a saved machine) is told all at once, and none counts as done. One
// thread at a time.
class Notices {
 public:
  // `lost`: so many waited that they were given up. Called once the guest has done all that it was told
  // before; what is told in it is never given up.
  Notices(Channel& channel, std::function<void()> lost) : channel_(channel), lost_(std::move(lost)) {}

  // Contents and attributes of a file. The number of this notice.
  std::uint64_t forget_file(std::uint64_t node);
  // A name in a directory.
  std::uint64_t forget_name(std::uint64_t directory, std::string_view name);

  // The guest has done so with the next `count`, and will say so of all.
  void done(std::uint64_t count);
  // Also of one that was given up with others, once the guest has done what came in their place.
  bool is_done(std::uint64_t number) const;
  // There is nothing of which the guest was to be told and that it has not done.
  bool are_all_done() const { return !has_lost_ && order_.empty() && done_ == sent_; }
  // The last that was told by now; where some were given up, the last of what comes in their place.
  std::uint64_t last() const { return has_lost_ ? first_loss + losses_ : sent_ + order_.size(); }
  // Whether another one would go out at once.
  bool has_room() const;
  // Sends what waits.
  void flush();
  // How many were sent, and taken in; what another process has sent comes first.
  std::uint64_t sent() const { return sent_; }
  std::uint64_t done() const { return done_; }
  // Whether the guest says what it has done.
  bool are_acknowledged() const { return are_acknowledged_; }
  void restore(std::uint64_t sent, std::uint64_t done, bool are_acknowledged) {
    sent_ = sent;
    done_ = done < sent ? done : sent;
    are_acknowledged_ = are_acknowledged;
  }
  // There is nothing that the guest would have to forget.
  void clear();

 private:
  // From here on a number is that of a loss: of all that will be told in the place of what was given up.
  static constexpr std::uint64_t first_loss = std::uint64_t{1} << 63;
  using Waiting = std::unordered_map<std::string, std::uint64_t>;  // a message, and its number

  std::uint64_t tell(int code, std::string_view payload);
  std::uint64_t queue(std::string message);
  void send(std::string_view message);
  void give_up();
  void find_out_what_was_lost();

  Channel& channel_;
  std::function<void()> lost_;
  std::uint64_t sent_ = 0;
  std::uint64_t done_ = 0;
  Waiting waiting_;
  std::deque<Waiting::const_iterator> order_;
  bool are_acknowledged_ = false;
  bool has_lost_ = false;
  bool may_lose_ = true;
  std::uint64_t losses_ = 0;
  // Losses, and the last notice in their place, until that is done.
  std::map<std::uint64_t, std::uint64_t> made_good_;
};

}  // namespace boxlite::fileserver
