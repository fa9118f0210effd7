// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace boxlite::test {

struct ProgramResult {
  int exit_code = -1;  // -1: ended by `signal`
  int signal = 0;
  std::string out;
  std::string err;
  std::chrono::milliseconds duration{0};
  bool timed_out = false;  // it was killed, as were its outputs

  // What a shell would report.
  int code() const { return signal != 0 ? 128 + signal : exit_code; }
};

struct ProgramOptions {
  std::vector<std::string> words;                  // the first is the program's path
  std::map<std::string, std::string> environment;  // all of it
  std::string stdin_bytes;
  std::chrono::milliseconds limit{120'000};
};

// A program with pipes for its standard streams. Everything read is kept; every wait has a limit. One thread.
class Program {
 public:
  explicit Program(const ProgramOptions& options);
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  // Kills and reaps it.
  ~Program();

  pid_t pid() const { return pid_; }
  void send_signal(int signal) const;

  // Appends to what is still to be written to its stdin; bytes are written by the reads and the wait.
  void write(std::string_view bytes) { pending_ += bytes; }
  void close_stdin_when_written() { closes_stdin_ = true; }
  // As `head` does: the next write of the program meets a closed pipe.
  void close_stdout();

  // True once stdout holds `text`.
  bool wait_for_output(std::string_view text, std::chrono::milliseconds limit);
  const std::string& out() const { return out_; }

  // Until it has ended and both outputs are closed, by whoever holds them.
  ProgramResult wait();

 private:
  using Clock = std::chrono::steady_clock;
  // Moves bytes for at most `timeout`; false when no stream is left.
  bool pump(std::chrono::milliseconds timeout);
  void feed_stdin();
  static void drain(int& fd, std::string& target);

  pid_t pid_ = -1;
  int stdin_fd_ = -1;
  int stdout_fd_ = -1;
  int stderr_fd_ = -1;
  std::string pending_;
  bool closes_stdin_ = false;
  std::string out_;
  std::string err_;
  Clock::time_point begun_ = Clock::now();
  Clock::time_point deadline_;
};

// Start, feed stdin, close it, wait.
ProgramResult run_program(const ProgramOptions& options);

}  // namespace boxlite::test
