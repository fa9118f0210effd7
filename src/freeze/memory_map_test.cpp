// SPDX-License-Identifier: Apache-2.0
#include "freeze/memory_map.h"

#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>

namespace boxlite::freeze {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view smaps =
    "55d0c0000000-55d0c0002000 r-xp 00001000 fe:00 1234                       /usr/bin/a b\n"
    "Size:                  8 kB\n"
    "VmFlags: rd ex mr mw me sd\n"
    "7f0000000000-7f0040000000 rw-s 00000000 00:00 0 \n"
    "Rss:                   0 kB\n"
    "VmFlags: rd wr mr mw me ac dd wf hg\n"
    "7ffc00000000-7ffc00001000 ---p 00000000 00:00 0                          [stack]\n"
    "VmFlags: mr mw me sd\n";

TEST(MemoryMap, IsWhatTheKernelSays) {
  const auto areas = parse_areas(smaps);
  ASSERT_TRUE(areas);
  EXPECT_THAT(*areas, ElementsAre(Area{.start = 0x55d0c0000000,
                                       .end = 0x55d0c0002000,
                                       .protection = PROT_READ | PROT_EXEC,
                                       .offset = 0x1000,
                                       .inode = 1234,
                                       .name = "/usr/bin/a b"},
                                  Area{.start = 0x7f0000000000,
                                       .end = 0x7f0040000000,
                                       .protection = PROT_READ | PROT_WRITE,
                                       .is_shared = true,
                                       .wants_huge_pages = true,
                                       .is_left_out_of_cores = true,
                                       .is_forgetful = true},
                                  Area{.start = 0x7ffc00000000, .end = 0x7ffc00001000, .name = "[stack]"}));
}

TEST(MemoryMap, ALineThatIsNoneIsNamed) {
  for (const auto* const line : {"x", "1-2 rw", "2-1 rw-p 0 00:00 0", "1-2 rw-p z 00:00 0"}) {
    const auto areas = parse_areas(line);
    ASSERT_FALSE(areas) << line;
    EXPECT_THAT(areas.error().message(), testing::HasSubstr(line));
  }
}

TEST(MemoryMap, OwnPagesAreThoseThatWereWrittenTo) {
  constexpr std::size_t pages = 8;
  auto* const memory = static_cast<volatile char*>(
      ::mmap(nullptr, pages * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  for (const std::size_t page : {1u, 2u, 7u}) memory[page * page_bytes] = 1;
  const auto start = reinterpret_cast<std::uintptr_t>(memory);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> runs;
  const auto visited =
      for_each_own_run(::getpid(), {.start = start, .end = start + pages * page_bytes},
                       [&](std::uint64_t begin, std::uint64_t end) -> Result<void> {
                         runs.emplace_back((begin - start) / page_bytes, (end - start) / page_bytes);
                         return {};
                       });
  ASSERT_TRUE(visited);
  EXPECT_THAT(runs, ElementsAre(Pair(1, 3), Pair(7, 8)));
}

}  // namespace
}  // namespace boxlite::freeze
