// SPDX-License-Identifier: Apache-2.0
#include "host/host_memory.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/concat.h"

namespace boxlite::host {
namespace {

std::string what_the_host_has() {
  struct sysinfo host = {};
  if (::sysinfo(&host) != 0) return "an unknown size";
  const auto mib = [&](std::uint64_t units) { return units * host.mem_unit >> 20; };
  return concat(mib(host.totalram), " MiB and ", mib(host.totalswap), " MiB of swap");
}

// The limit of this very process that keeps it from so much more; nothing: it is the host that refuses.
std::optional<std::string> limit_in_the_way(std::uint64_t bytes) {
  std::ifstream statm("/proc/self/statm");
  std::array<std::uint64_t, 6> pages{};  // all; resident; shared; text; always 0; data
  for (auto& count : pages) statm >> count;
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  const auto is_in_the_way = [&](auto resource, std::uint64_t used, rlimit& limit) {
    return ::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           limit.rlim_cur < bytes + used * page;
  };
  rlimit limit = {};
  const char* name = nullptr;
  if (is_in_the_way(RLIMIT_AS, pages[0], limit))
    name = "ulimit -v";
  else if (is_in_the_way(RLIMIT_DATA, pages[5], limit))
    name = "ulimit -d";
  if (name == nullptr) return {};
  return concat("the limit of the calling process, ", limit.rlim_cur >> 20, " MiB (", name, ")");
}

}  // namespace

Result<void> require_memory(unsigned memory_mib) {
  const auto bytes = std::size_t{memory_mib} << 20;
  void* const room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room != MAP_FAILED) {
    ::munmap(room, bytes);
    return {};
  }
  if (const auto limit = limit_in_the_way(bytes)) {
    return fail(Error(ErrorCode::resource_exhausted,
                      concat("a machine with ", memory_mib, " MiB of memory: ", *limit, ", forbids it"))
                    .with_remedy("raise that limit, or give the box less memory (--memory)"));
  }
  return fail(Error(ErrorCode::resource_exhausted,
                    concat("a machine with ", memory_mib, " MiB of memory: the host, which has ",
                           what_the_host_has(), ", refuses a process so much"))
                  .with_remedy("give the box less memory (--memory)"));
}

}  // namespace boxlite::host
