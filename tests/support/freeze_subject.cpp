// SPDX-License-Identifier: Apache-2.0
// A process to be frozen and thawed (src/freeze/freezer_test.cpp). It answers each byte on descriptor 3 with
// a line about what it remembers: in two threads, on the heap, in thread-local and static memory, by a signal
// handler, and through an eventfd. Its argument is something that cannot be frozen: "shared", "epoll".
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

std::mutex mutex;
std::condition_variable changed;
int asked = 0;
int answered = 0;
thread_local int own_count = 0;
volatile std::sig_atomic_t signals = 0;

void count_for_others() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [] { return asked > answered; });
    answered = asked;
    own_count += 10;
    asked = own_count;
    answered = own_count;
    changed.notify_all();
  }
}

int ask_other_thread(int last) {
  std::unique_lock lock(mutex);
  ++asked;
  changed.notify_all();
  changed.wait(lock, [&] { return answered > last + 1; });
  return answered;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view extra = argc > 1 ? argv[1] : "";
  if (extra == "shared") ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  // One that watches nothing can be made again.
  epoll_event wanted = {.events = EPOLLIN, .data = {}};
  ::epoll_create1(0);
  if (extra == "epoll") ::epoll_ctl(::epoll_create1(0), EPOLL_CTL_ADD, 3, &wanted);
  std::signal(SIGUSR1, [](int) { signals = signals + 1; });
  const int event = ::eventfd(0, EFD_NONBLOCK);
  auto* const mapped = static_cast<unsigned char*>(
      ::mmap(nullptr, 64u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  std::vector<std::string> heap;
  double fraction = 1.0;
  int other = 0;
  std::thread(count_for_others).detach();
  char byte = 0;
  while (::read(3, &byte, 1) == 1) {
    if (byte == 's') std::raise(SIGUSR1);
    const unsigned long long one = 1;
    if (byte == 'e') (void)!::write(event, &one, sizeof one);
    unsigned long long events = 0;
    if (byte == 'r') (void)!::read(event, &events, sizeof events);
    ++own_count;
    // Beyond one stretch of memory, and far more than the heap had at first.
    heap.push_back(std::string(256u << 10, byte));
    mapped[static_cast<std::size_t>(own_count) * (2u << 20)] = static_cast<unsigned char>(byte);
    std::string marks;
    for (int i = 1; i <= own_count; ++i)
      marks += static_cast<char>(mapped[static_cast<std::size_t>(i) * (2u << 20)]);
    for (const auto& text : heap) marks += text.back();
    fraction *= 1.5;
    other = ask_other_thread(other);
    char line[256];
    const int size = std::snprintf(line, sizeof line, "%d %d %d %llu %.4f %s\n", own_count, other,
                                   static_cast<int>(signals), events, fraction, marks.c_str());
    (void)!::write(3, line, static_cast<std::size_t>(size));
  }
  // Not return: the other thread still waits for what would be destroyed.
  std::_Exit(7);
}
