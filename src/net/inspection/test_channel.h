// SPDX-License-Identifier: Apache-2.0
// For tests: two ends of a connection within one program. Neither calls anybody: who turns them looks at
// both.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "net/inspection/channel.h"
#include "net/inspection/http/byte_queue.h"

namespace boxlite::net {

class TestChannel : public Channel {
 public:
  // What one end writes is the other's input. Each outlives the other's last use.
  static std::pair<std::unique_ptr<TestChannel>, std::unique_ptr<TestChannel>> make_pair() {
    auto one = std::make_unique<TestChannel>();
    auto other = std::make_unique<TestChannel>();
    one->peer_ = other.get();
    other->peer_ = one.get();
    return {std::move(one), std::move(other)};
  }

  // How much of what was written may wait at the peer.
  void set_output_limit(std::size_t limit) { output_limit_ = limit; }
  std::string take() {
    std::string bytes(input());
    consume(bytes.size());
    return bytes;
  }

  std::string_view input() const override { return input_.view(); }
  void consume(std::size_t count) override { input_.consume(count); }
  bool has_ended() const override { return peer_->is_finishing_; }
  std::size_t room() const override { return output_limit_ - std::min(output_limit_, peer_->input_.size()); }
  void write(std::string_view bytes) override {
    if (!is_finishing_ && !failure_) peer_->input_.append(bytes);
  }
  void finish() override { is_finishing_ = true; }
  bool is_finished() const override { return is_finishing_; }
  const std::optional<Error>& failure() const override { return failure_; }
  void reset() override {
    failure_ = Error(ErrorCode::cancelled, "reset");
    peer_->failure_ = failure_;
  }

 private:
  TestChannel* peer_ = nullptr;
  ByteQueue input_;
  bool is_finishing_ = false;
  std::size_t output_limit_ = output_limit;
  std::optional<Error> failure_;
};

}  // namespace boxlite::net
