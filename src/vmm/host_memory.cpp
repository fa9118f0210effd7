// SPDX-License-Identifier: Apache-2.0
#include "vmm/host_memory.h"

#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "base/concat.h"

namespace boxlite::vmm {
namespace {

std::string what_the_host_has() {
  struct sysinfo host = {};
  if (::sysinfo(&host) != 0) return "an unknown size";
  const auto mib = [&](std::uint64_t units) { return units * host.mem_unit >> 20; };
  return concat(mib(host.totalram), " MiB and ", mib(host.totalswap), " MiB of swap");
}

}  // namespace

Result<void> require_memory(unsigned memory_mib) {
  const auto bytes = std::size_t{memory_mib} << 20;
  void* const room = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (room != MAP_FAILED) {
    ::munmap(room, bytes);
    return {};
  }
  return fail(Error(ErrorCode::resource_exhausted,
                    concat("a machine with ", memory_mib, " MiB of memory: the host, which has ",
                           what_the_host_has(), ", refuses a process so much"))
                  .with_remedy("give the box less memory (--memory)"));
}

}  // namespace boxlite::vmm
