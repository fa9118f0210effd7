// SPDX-License-Identifier: Apache-2.0
#include "host/tsc_clock.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include <cpuid.h>
#include <time.h>
#include <x86intrin.h>

namespace boxlite::host {
namespace {

struct Reading {
  std::uint64_t ticks;
  std::uint64_t ns;
};

std::uint64_t now_ns() {
  timespec now = {};
  ::clock_gettime(CLOCK_MONOTONIC_RAW, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(now.tv_nsec);
}

// The tightest of a few tries: a preemption between the two clocks would spoil the result.
Reading read_both() {
  Reading best = {};
  auto width = std::numeric_limits<std::uint64_t>::max();
  for (int attempt = 0; attempt < 16; ++attempt) {
    const auto before = __rdtsc();
    const auto ns = now_ns();
    const auto after = __rdtsc();
    if (after - before >= width) continue;
    width = after - before;
    best = {before + width / 2, ns};
  }
  return best;
}

bool runs_evenly() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid(0x8000'0007, &eax, &ebx, &ecx, &edx) != 0 && (edx & (1u << 8)) != 0;
}

}  // namespace

unsigned measure_tsc_khz() {
  if (!runs_evenly()) return 0;
  const auto first = read_both();
  const timespec pause{0, 10'000'000};
  ::nanosleep(&pause, nullptr);
  const auto second = read_both();
  if (second.ns <= first.ns || second.ticks <= first.ticks) return 0;
  const auto khz =
      static_cast<double>(second.ticks - first.ticks) * 1e6 / static_cast<double>(second.ns - first.ns);
  return static_cast<unsigned>(std::lround(khz));
}

}  // namespace boxlite::host
