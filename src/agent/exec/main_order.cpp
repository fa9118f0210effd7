// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/main_order.h"

#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

#include "linux/sockets/fd_passing.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t fd_count = 3;

struct ControlBuffer {
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(fd_count * sizeof(int))> bytes = {};
};

void append(std::string& bytes, const void* data, std::size_t size) {
  bytes.append(static_cast<const char*>(data), size);
}

void append(std::string& bytes, const std::vector<std::string>& texts) {
  // The byte of 0 behind each comes along.
  for (const auto& text : texts) append(bytes, text.c_str(), text.size() + 1);
}

Result<void> send_all(int socket_fd, std::string_view bytes, std::span<const int> fds) {
  while (!bytes.empty()) {
    const auto sent = BOXLITE_TRY_CONTEXT(
        "main command", linux_::send_with_fds(socket_fd, bytes, fds, linux_::WhenFull::wait));
    bytes.remove_prefix(sent);
    fds = {};
  }
  return {};
}

// Up to `size` bytes; 0 at the end.
Result<std::size_t> receive_some(int socket_fd, char* bytes, std::size_t size,
                                 std::array<UniqueFd, fd_count>& fds) {
  ControlBuffer control;
  iovec piece{bytes, size};
  msghdr message = {};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  ssize_t count = -1;
  do count = ::recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
  while (count < 0 && errno == EINTR);
  if (count < 0) return fail(syscall_error("recvmsg", "main command", errno));
  const auto* const header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS &&
      header->cmsg_len == CMSG_LEN(fd_count * sizeof(int))) {
    std::array<int, fd_count> numbers{};
    std::memcpy(numbers.data(), CMSG_DATA(header), sizeof numbers);
    for (std::size_t i = 0; i < fd_count; ++i) fds[i].reset(numbers[i]);
  }
  return static_cast<std::size_t>(count);
}

template <class T>
std::vector<T> take_values(const char*& from, std::size_t count) {
  std::vector<T> values(count);
  if (count != 0) std::memcpy(values.data(), from, count * sizeof(T));
  from += count * sizeof(T);
  return values;
}

std::vector<std::string> take_texts(const char*& from, std::size_t count) {
  std::vector<std::string> texts(count);
  for (auto& text : texts) {
    text = from;
    from += text.size() + 1;
  }
  return texts;
}

struct Limit {
  int number;
  rlimit value;
};

}  // namespace

Result<void> send_main_order(int socket_fd, const LaunchPlan& plan, const StandardFds& fds, bool use_init) {
  MainOrder::Head head{.bytes = 0,
                       .candidates = plan.candidates.size(),
                       .args = plan.args.size(),
                       .env = plan.env.size(),
                       .groups = plan.account.groups.size(),
                       .limits = plan.rlimits->size(),
                       .capabilities = plan.capabilities,
                       .uid = plan.account.uid,
                       .gid = plan.account.gid,
                       .is_terminal = fds.is_terminal,
                       .use_init = use_init};
  std::string bytes(sizeof head, '\0');
  append(bytes, plan.account.groups.data(), plan.account.groups.size() * sizeof(std::uint32_t));
  for (const auto& [number, value] : *plan.rlimits) {
    const Limit limit{number, value};
    append(bytes, &limit, sizeof limit);
  }
  append(bytes, plan.candidates);
  append(bytes, plan.args);
  append(bytes, plan.env);
  append(bytes, plan.working_dir.c_str(), plan.working_dir.size() + 1);
  head.bytes = bytes.size();
  std::memcpy(bytes.data(), &head, sizeof head);
  const std::array<int, fd_count> given{fds.in, fds.out, fds.err};
  return send_all(socket_fd, bytes, given);
}

Result<MainOrder> MainOrder::receive(int socket_fd) {
  MainOrder order;
  std::vector<char> bytes(sizeof(Head));
  for (std::size_t got = 0; got < bytes.size();) {
    const auto count =
        BOXLITE_TRY(receive_some(socket_fd, bytes.data() + got, bytes.size() - got, order.fds_));
    if (count == 0) return fail(ErrorCode::stopped, "there will be no main command");
    got += count;
    if (got != sizeof(Head) || bytes.size() != sizeof(Head)) continue;
    Head head;
    std::memcpy(&head, bytes.data(), sizeof head);
    bytes.resize(head.bytes);
  }
  order.read(bytes);
  return order;
}

void MainOrder::read(const std::vector<char>& bytes) {
  Head head;
  std::memcpy(&head, bytes.data(), sizeof head);
  const char* from = bytes.data() + sizeof head;
  use_init_ = head.use_init;
  is_terminal_ = head.is_terminal;
  plan_.account.uid = head.uid;
  plan_.account.gid = head.gid;
  plan_.capabilities = head.capabilities;
  plan_.account.groups = take_values<std::uint32_t>(from, head.groups);
  for (const auto& limit : take_values<Limit>(from, head.limits))
    limits_.emplace_back(limit.number, limit.value);
  plan_.candidates = take_texts(from, head.candidates);
  plan_.args = take_texts(from, head.args);
  plan_.env = take_texts(from, head.env);
  plan_.working_dir = from;
}

Birth MainOrder::birth() {
  candidates_ = c_strings(plan_.candidates);
  args_ = c_strings(plan_.args);
  env_ = c_strings(plan_.env);
  return {.fds = {fds_[0].get(), fds_[1].get(), fds_[2].get(), is_terminal_},
          .uid = plan_.account.uid,
          .gid = plan_.account.gid,
          .capabilities = plan_.capabilities,
          .groups = plan_.account.groups.data(),
          .group_count = plan_.account.groups.size(),
          .limits = limits_.data(),
          .limit_count = limits_.size(),
          .candidates = candidates_.data(),
          .candidate_count = plan_.candidates.size(),
          .args = args_.data(),
          .env = env_.data(),
          .working_dir = plan_.working_dir.data()};
}

}  // namespace boxlite::agent
