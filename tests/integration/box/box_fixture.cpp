// SPDX-License-Identifier: Apache-2.0
#include "integration/box/box_fixture.h"

#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <set>
#include <thread>

#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "support/disk_check.h"
#include "support/leftovers.h"

namespace boxlite::test {
namespace {

using namespace std::chrono_literals;

// A stream to its end.
std::string read_all(Execution& execution, OutputStream stream) {
  std::string text;
  std::vector<std::byte> buffer(64 << 10);
  while (true) {
    const auto count = execution.read(stream, buffer);
    if (!count) {
      ADD_FAILURE() << "read: " << count.error().message();
      return text;
    }
    if (*count == 0) return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), *count);
  }
}

void feed(Execution& execution, std::string_view input) {
  const auto written = execution.write_stdin(std::as_bytes(std::span(input)));
  EXPECT_TRUE(written) << written.error().message();
  const auto closed = execution.close_stdin();
  EXPECT_TRUE(closed) << closed.error().message();
}

// On a disk: boxes in memory (tmpfs) boot, and most do not live there.
std::filesystem::path disk_directory() {
  struct statfs status = {};
  const bool is_in_memory =
      ::statfs(testing::TempDir().c_str(), &status) == 0 && status.f_type == TMPFS_MAGIC;
  return is_in_memory ? "/var/tmp" : testing::TempDir();
}

}  // namespace

Ran finish(Execution execution, std::string_view input) {
  Ran ran;
  std::thread errors(
      [&, reader = execution]() mutable { ran.err = read_all(reader, OutputStream::stderr_); });
  std::thread feeder([&, writer = execution]() mutable {
    if (!input.empty()) feed(writer, input);
  });
  ran.out = read_all(execution, OutputStream::stdout_);
  errors.join();
  feeder.join();
  const auto status = execution.wait();
  EXPECT_TRUE(status) << status.error().message();
  if (status) ran.status = *status;
  return ran;
}

BoxTest::BoxTest() : directory_(TempDir::create(disk_directory(), "box-test-")) {}

void BoxTest::SetUp() {
  ASSERT_TRUE(directory_) << directory_.error().message();
}

void BoxTest::TearDown() {
  const auto left = wait_until_gone(directory(), 15s);
  for (const auto& process : left) ADD_FAILURE() << "left running: " << process.pid << " " << process.command;
  kill_processes_of(directory());
  expect_clean_disks(home() / "disks");
  if (!std::filesystem::exists(home() / "boxes")) return;
  std::set<std::string> known;
  const auto boxes = open().list();
  ASSERT_TRUE(boxes) << boxes.error().message();
  for (const auto& box : *boxes) {
    known.insert(box.id);
    EXPECT_NE(box.status, BoxStatus::running) << box.id;
  }
  for (const auto& entry : std::filesystem::directory_iterator(home() / "boxes")) {
    EXPECT_TRUE(known.contains(entry.path().filename())) << "directory without a box: " << entry.path();
  }
}

RuntimeOptions BoxTest::options() const {
  RuntimeOptions options;
  options.home = home();
  return options;
}

Runtime BoxTest::open() const {
  auto runtime = Runtime::open(options());
  if (!runtime) {
    ADD_FAILURE() << runtime.error().message();
    std::abort();
  }
  return *std::move(runtime);
}

pid_t BoxTest::fork_process(const std::function<int()>& body) const {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  return child;
}

int BoxTest::wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) return -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool BoxTest::comes_true(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 20);
  }
  return true;
}

testing::AssertionResult BoxTest::becomes(const Box& box, BoxStatus status) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (true) {
    const auto facts = box.info();
    if (!facts) return testing::AssertionFailure() << facts.error().message();
    if (facts->status == status) return testing::AssertionSuccess();
    if (std::chrono::steady_clock::now() > deadline) {
      return testing::AssertionFailure() << "still " << name(facts->status) << " " << facts->failure;
    }
    ::poll(nullptr, 0, 20);
  }
}

Box create(Runtime& runtime, BoxSpec spec) {
  auto box = runtime.create(spec);
  if (!box) {
    ADD_FAILURE() << box.error().message();
    std::abort();
  }
  return *std::move(box);
}

namespace {

// What is known of a machine in which a command does not end: its processes on the host, and what the guest
// says of its own, if it says anything.
void describe(Box& box) {
  std::cerr << "the command has not ended\n";
  const auto info = box.info();
  if (!info) return;
  for (const auto pid : {info->shim_pid, info->vmm_pid})
    if (pid) std::cerr << read_file(concat("/proc/", *pid, "/stat")).value_or("it is gone\n");
  constexpr auto* ask =
      "for p in /proc/[0-9]*; do echo $(cut -d' ' -f1-3 $p/stat) call $(cat $p/syscall); done";
  auto asked = box.exec({.command = {"sh", "-c", ask}, .timeout = 30s});
  if (!asked) {
    std::cerr << "the guest: " << asked.error().message() << '\n';
    return;
  }
  std::cerr << read_all(*asked, OutputStream::stdout_);
}

// Describes the machine if it lives longer than any command of a test should take.
std::jthread watch(Box& box) {
  return std::jthread([&box](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    if (!ended.wait_for(lock, stop, 150s, [&] { return stop.stop_requested(); })) describe(box);
  });
}

}  // namespace

Ran run_in(Box& box, std::vector<std::string> command, std::string_view input) {
  const std::jthread watchdog = watch(box);
  auto execution = box.exec({.command = std::move(command), .use_stdin = !input.empty()});
  if (!execution) {
    ADD_FAILURE() << execution.error().message();
    return {};
  }
  return finish(*std::move(execution), input);
}

}  // namespace boxlite::test
