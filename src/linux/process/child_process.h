// SPDX-License-Identifier: Apache-2.0
// Starting a program, and owning it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "base/time.h"
#include "linux/process/capabilities.h"
#include "linux/process/process_handle.h"

namespace boxlite::linux_ {

// Which signals from elsewhere reach the child.
enum class ProcessGroup {
  inherited,  // the caller's group: the terminal's ^C reaches it
  own,        // a group of its own: one kill reaches it and its children
  session,    // a session of its own: it also outlives the caller's terminal
};

// The descriptor `source_fd` of the caller (borrowed) becomes `target_fd` in the child.
struct FdMapping {
  int source_fd;
  int target_fd;
};

// Something that a child does to itself.
struct ChildStep {
  virtual ~ChildStep() = default;
  // Not -1: of the caller (borrowed), and of use to the step. Numbered anew by the child, where a table of
  // descriptors grows at no cost.
  virtual int descriptor() const { return -1; }
  virtual bool run(int descriptor) = 0;
};

// What to run. A value: nothing is inherited but what is named here.
struct ChildSpec {
  std::filesystem::path program = {};       // a path; PATH is not searched
  std::vector<std::string> arguments = {};  // without argv[0], which is the program's path
  std::vector<std::string> environment = {};
  std::vector<FdMapping> fds = {};         // 0, 1 and 2 are /dev/null unless mapped; nothing else is open
  std::filesystem::path working_dir = {};  // empty: the caller's
  ProcessGroup group = ProcessGroup::inherited;
  // KILL when the calling *thread* ends (PR_SET_PDEATHSIG): only for a caller that spawns from its main
  // thread.
  bool die_with_parent = false;
  // Set: what of the caller's capabilities the program has, whoever runs it; it cannot gain any
  // (no_new_privs).
  std::optional<CapabilitySet> capabilities = {};
  // The last that the child does before it becomes the program. It shares our memory then, and may only make
  // system calls; false with errno fails the spawn. Borrowed.
  ChildStep* last_step = nullptr;
};

// How a child ended.
struct ChildEnd {
  int exit_code = 0;  // meaningful when signal is 0
  int signal = 0;

  bool operator==(const ChildEnd&) const = default;
};
// "exit code 1", "signal 9".
std::string to_string(const ChildEnd& end);

// A child process. Going out of scope kills it (with its group, when it has one of its own) and reaps it,
// unless it was detached. One thread at a time.
class ChildProcess {
 public:
  // Returns when the program runs: a program that cannot be executed is an error here (not_found,
  // permission_denied), never a child that exits with 127.
  static Result<ChildProcess> spawn(const ChildSpec& spec);
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  pid_t pid() const { return pid_; }
  // Readable when it has ended.
  const ProcessHandle& handle() const { return handle_; }
  // A process that has ended already is a success: nothing is left to signal.
  Result<void> send_signal(int signal) const;
  // Waits for the end and reaps; the result stays the same afterwards. timed_out at the deadline.
  Result<ChildEnd> wait(Deadline deadline);
  // From now on it lives on its own. The caller's process still reaps it with wait(), or leaves a zombie for
  // as long as itself lives.
  void detach() { owned_ = false; }

 private:
  ChildProcess(pid_t pid, ProcessHandle handle, bool leads_group);
  void end() noexcept;

  pid_t pid_;
  ProcessHandle handle_;
  bool leads_group_;
  bool owned_ = true;
  bool reaped_ = false;
  ChildEnd end_;
};

// The output of a short program, and its end.
struct CapturedRun {
  ChildEnd end;
  std::string output;  // stdout and stderr, as they came
};
// Runs to the end; killed at the deadline (timed_out) or once it has written more than `limit` bytes
// (resource_exhausted).
Result<CapturedRun> run_and_capture(ChildSpec spec, Deadline deadline, std::size_t limit = 1u << 20);

// Where a program is by $PATH (or the name itself, when it has a slash), absolute; not_found when it is
// nowhere.
Result<std::filesystem::path> find_program(std::string_view name);

}  // namespace boxlite::linux_
