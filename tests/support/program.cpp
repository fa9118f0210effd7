// SPDX-License-Identifier: Apache-2.0
#include "support/program.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace boxlite::test {

namespace {

struct Pipe {
  int reader = -1;
  int writer = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("pipe2");
  return {ends[0], ends[1]};
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> result;
  for (auto& word : words) result.push_back(word.data());
  result.push_back(nullptr);
  return result;
}

}  // namespace

Program::Program(const ProgramOptions& options)
    : pending_(options.stdin_bytes), deadline_(begun_ + options.limit) {
  auto in = make_pipe();
  auto out = make_pipe();
  auto err = make_pipe();
  auto words = options.words;
  std::vector<std::string> variables;
  for (const auto& [name, value] : options.environment) variables.push_back(name + "=" + value);

  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.reader, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.writer, STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.writer, STDERR_FILENO);
  // What this test program itself ignores or blocks must not reach the program under test.
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t all;
  sigset_t none;
  sigfillset(&all);
  sigemptyset(&none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawn(&pid_, words.front().c_str(), &actions, &attributes, pointers(words).data(),
                                  pointers(variables).data());
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  close_fd(in.reader);
  close_fd(out.writer);
  close_fd(err.writer);
  stdin_fd_ = in.writer;
  stdout_fd_ = out.reader;
  stderr_fd_ = err.reader;
  if (error != 0) throw std::runtime_error("spawn " + words.front() + ": " + std::strerror(error));
  for (const int fd : {stdin_fd_, stdout_fd_, stderr_fd_}) ::fcntl(fd, F_SETFL, O_NONBLOCK);
}

Program::~Program() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  close_fd(stdin_fd_);
  close_fd(stdout_fd_);
  close_fd(stderr_fd_);
}

void Program::send_signal(int signal) const {
  ::kill(pid_, signal);
}

void Program::close_stdout() {
  close_fd(stdout_fd_);
}

void Program::feed_stdin() {
  // A closed reader must be an error here, not our end.
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  const auto written = ::write(stdin_fd_, pending_.data(), pending_.size());
  const int error = errno;
  std::signal(SIGPIPE, before);
  if (written > 0) pending_.erase(0, static_cast<std::size_t>(written));
  if (written < 0 && error != EAGAIN && error != EINTR) {
    pending_.clear();
    close_fd(stdin_fd_);
  }
}

void Program::drain(int& fd, std::string& target) {
  std::array<char, 65536> buffer;
  const auto count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) target.append(buffer.data(), static_cast<std::size_t>(count));
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) close_fd(fd);
}

bool Program::pump(std::chrono::milliseconds timeout) {
  if (pending_.empty() && closes_stdin_) close_fd(stdin_fd_);
  if (stdout_fd_ < 0 && stderr_fd_ < 0) return false;
  // poll ignores negative descriptors.
  std::array<pollfd, 3> ready{
      pollfd{.fd = pending_.empty() ? -1 : stdin_fd_, .events = POLLOUT, .revents = 0},
      pollfd{.fd = stdout_fd_, .events = POLLIN, .revents = 0},
      pollfd{.fd = stderr_fd_, .events = POLLIN, .revents = 0}};
  ::poll(ready.data(), ready.size(), static_cast<int>(std::max<std::int64_t>(0, timeout.count())));
  if (ready[0].revents != 0) feed_stdin();
  if (ready[1].revents != 0) drain(stdout_fd_, out_);
  if (ready[2].revents != 0) drain(stderr_fd_, err_);
  return true;
}

bool Program::wait_for_output(std::string_view text, std::chrono::milliseconds limit) {
  const auto until = std::min(deadline_, Clock::now() + limit);
  while (out_.find(text) == std::string::npos) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() <= 0 || !pump(left)) return out_.find(text) != std::string::npos;
  }
  return true;
}

ProgramResult Program::wait() {
  ProgramResult result;
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) {
      result.timed_out = true;
      ::kill(pid_, SIGKILL);
      break;
    }
    if (!pump(left)) break;
  }
  int status = 0;
  // It may live on with both outputs closed.
  while (::waitpid(pid_, &status, WNOHANG) == 0) {
    if (Clock::now() >= deadline_) {
      result.timed_out = true;
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, &status, 0);
      break;
    }
    ::poll(nullptr, 0, 2);
  }
  pid_ = -1;
  if (WIFEXITED(status)) result.exit_code = WEXITSTATUS(status);
  if (WIFSIGNALED(status)) result.signal = WTERMSIG(status);
  result.out = std::move(out_);
  result.err = std::move(err_);
  result.duration = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun_);
  return result;
}

ProgramResult run_program(const ProgramOptions& options) {
  Program program(options);
  program.close_stdin_when_written();
  return program.wait();
}

}  // namespace boxlite::test
