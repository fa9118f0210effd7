// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/notices.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <linux/fuse.h>

#include "base/concat.h"

namespace boxlite::fileserver {
namespace {

constexpr std::uint64_t max_under_way = 64;
constexpr std::size_t max_waiting = 65'536;

}  // namespace

std::uint64_t Notices::forget_file(std::uint64_t node) {
  const fuse_notify_inval_inode_out out = {.ino = node, .off = 0, .len = 0};
  return tell(FUSE_NOTIFY_INVAL_INODE, bytes_of(out));
}

std::uint64_t Notices::forget_name(std::uint64_t directory, std::string_view name) {
  const fuse_notify_inval_entry_out out = {
      .parent = directory, .namelen = static_cast<std::uint32_t>(name.size()), .flags = 0};
  return tell(FUSE_NOTIFY_INVAL_ENTRY, concat(bytes_of(out), name, '\0'));
}

std::uint64_t Notices::tell(int code, std::string_view payload) {
  auto message = concat(bytes_of(code), payload);
  if (has_room()) {
    send(message);
    return sent_;
  }
  return queue(std::move(message));
}

// Once is enough of what the guest has not been told yet.
std::uint64_t Notices::queue(std::string message) {
  if (may_lose_ && order_.size() >= max_waiting) give_up();
  // It will be told of by then.
  if (has_lost_) return last();
  const auto [entry, is_new] = waiting_.try_emplace(std::move(message), sent_ + order_.size() + 1);
  if (is_new) order_.push_back(entry);
  return entry->second;
}

void Notices::send(std::string_view message) {
  int code = 0;
  std::memcpy(&code, message.data(), sizeof code);
  channel_.notify(code, {message.substr(sizeof code)});
  ++sent_;
}

bool Notices::has_room() const {
  if (!are_acknowledged_) return true;
  return !has_lost_ && order_.empty() && sent_ - done_ < max_under_way;
}

void Notices::flush() {
  for (; !order_.empty(); order_.pop_front()) {
    send(order_.front()->first);
    waiting_.erase(order_.front());
  }
}

void Notices::give_up() {
  order_.clear();
  waiting_.clear();
  has_lost_ = true;
  ++losses_;
}

bool Notices::is_done(std::uint64_t number) const {
  if (are_all_done()) return true;
  if (number < first_loss) return number <= done_;
  const auto loss = number - first_loss;
  return !(has_lost_ && loss == losses_) && !made_good_.contains(loss);
}

void Notices::done(std::uint64_t count) {
  are_acknowledged_ = true;
  done_ += std::min(count, sent_ - done_);
  std::erase_if(made_good_, [this](const auto& loss) { return loss.second <= done_; });
  for (; !order_.empty() && sent_ - done_ < max_under_way; order_.pop_front()) {
    send(order_.front()->first);
    waiting_.erase(order_.front());
  }
  if (has_lost_ && done_ == sent_) find_out_what_was_lost();
}

void Notices::find_out_what_was_lost() {
  has_lost_ = may_lose_ = false;
  lost_();
  may_lose_ = true;
  made_good_[losses_] = last();
}

void Notices::clear() {
  order_.clear();
  waiting_.clear();
  made_good_.clear();
  has_lost_ = false;
  done_ = sent_;
}

}  // namespace boxlite::fileserver
