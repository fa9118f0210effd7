// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/files.h"
#include "base/result.h"
#include "base/time.h"
#include "base/unique_fd.h"
#include "wire/credit.h"
#include "wire/frame.h"
#include "wire/method.h"

namespace boxlite::test {

// A real guest under QEMU's emulation, with the agent under test as PID 1, a disk with busybox, and this
// process at the other end of the agent's serial port. One thread.
class GuestMachine {
 public:
  // What is missing on this host for booting one; empty when nothing is.
  static std::string missing_part();
  // Boots, says Hello, configures and starts the container. Fails the current test on error.
  static std::unique_ptr<GuestMachine> boot();
  // Boots and says nothing.
  static std::unique_ptr<GuestMachine> boot_bare();
  ~GuestMachine();

  // ---- the protocol, frame by frame ----
  std::uint32_t new_stream() { return std::exchange(next_stream_, next_stream_ + 2); }
  wire::FrameWriter& out() { return writer_; }
  // Sends what is in out().
  void flush();
  struct Received {
    wire::FrameHeader header;
    std::string payload;
  };
  // The next frame, or nothing at the deadline or the end of the machine.
  std::optional<Received> receive(Deadline deadline);

  // Takes the next frame and gives it to the handler of its stream. False at the deadline or the machine's
  // end.
  bool dispatch_one(Deadline deadline);
  using Handler = std::function<void(const Received&)>;
  void set_handler(std::uint32_t stream, Handler handler) { handlers_[stream] = std::move(handler); }
  void drop_handler(std::uint32_t stream) { handlers_.erase(stream); }

  // A whole unary call; frames of other streams go to their handlers meanwhile.
  template <wire::Method M>
  Result<typename M::Response> call(const typename M::Request& request) {
    const auto stream = new_stream();
    BOXLITE_TRY(wire::write_request<M>(writer_, stream, request));
    flush();
    const auto payload = await_response(stream);
    if (!payload) return fail(ErrorCode::timed_out, "no response from the agent");
    return wire::parse_response<M>(*payload);
  }

  // True when QEMU has exited by itself before the deadline.
  bool wait_for_end(Deadline deadline);
  std::string console() const;
  std::filesystem::path disk() const { return dir_.path() / "disk.img"; }

 private:
  std::optional<std::string> await_response(std::uint32_t stream);
  explicit GuestMachine(TempDir dir) : dir_(std::move(dir)) {}

  TempDir dir_;
  pid_t qemu_ = -1;
  UniqueFd port_;
  wire::FrameReader reader_;
  wire::FrameWriter writer_;
  std::map<std::uint32_t, Handler> handlers_;
  std::uint32_t next_stream_ = 1;
};

// A command in the guest, followed to its end with credit returned as output comes.
struct CommandOutcome {
  std::string out;
  std::string err;
  wire::msg::ExecResult result;
  std::uint32_t pid = 0;

  // 128 + signal, as shells say it.
  int code() const {
    return result.end_case() == wire::msg::ExecResult::kSignal ? 128 + static_cast<int>(result.signal())
                                                               : static_cast<int>(result.exit_code());
  }
};

class Command {
 public:
  explicit Command(GuestMachine& machine, std::vector<std::string> args);
  Command(const Command&) = delete;
  Command& operator=(const Command&) = delete;
  ~Command() { machine_.drop_handler(stream_); }
  wire::msg::ExecRequest& request() { return request_; }
  Command& user(std::string name) {
    request_.set_user(std::move(name));
    return *this;
  }
  Command& with_stdin() {
    request_.set_use_stdin(true);
    return *this;
  }
  Command& timeout_ms(std::uint64_t limit) {
    request_.set_timeout_ms(limit);
    return *this;
  }

  // Sends the request.
  Command& start();
  // Sends a request to see another execution on this object's stream.
  Command& attach(const std::string& id, std::uint64_t stdout_offset = 0);
  void send_stdin(std::string_view bytes);
  void close_stdin();
  void send(const wire::msg::ExecInput& input);
  // Without regard to the credit.
  void send_unchecked(const wire::msg::ExecInput& input);
  // Reads until the response. An error is the agent's status, or a time-out.
  Result<CommandOutcome> finish(Deadline deadline = Deadline::after(std::chrono::seconds(60)));
  // Handles frames of this stream until `text` is in stdout.
  bool wait_for_output(std::string_view text);
  bool wait_for_start();
  void reset();
  bool has_ended() const { return has_ended_; }

  // Whether credit is returned for what arrives; without it the stream stalls after 256 KiB.
  void stop_returning_credit() { returns_credit_ = false; }
  const std::string& id() const { return request_.id(); }
  const CommandOutcome& so_far() const { return outcome_; }
  std::uint64_t first_offset() const { return first_offset_; }
  std::uint64_t bytes_received() const { return received_; }
  // Output is counted, not kept.
  void discard_output() { keeps_output_ = false; }

 private:
  void handle(const GuestMachine::Received& frame);

  GuestMachine& machine_;
  wire::msg::ExecRequest request_;
  std::uint32_t stream_;
  wire::ReceiveCredit credit_;
  wire::SendCredit input_credit_;
  bool returns_credit_ = true;
  bool keeps_output_ = true;
  bool is_started_ = false;
  bool has_ended_ = false;
  std::uint64_t first_offset_ = ~0ull;
  std::uint64_t received_ = 0;
  CommandOutcome outcome_;
  std::optional<Error> error_;
};

}  // namespace boxlite::test
