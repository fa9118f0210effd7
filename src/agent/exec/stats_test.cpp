// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/stats.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "agent/exec/proc_text.h"
#include "agent/exec/processes.h"

namespace boxlite::agent {
namespace {

TEST(MachineStats, CountBusyAndIdleTime) {
  wire::msg::StatsResponse stats;
  read_cpu("cpu  10 2 30 400 50 6 7 8 99 99\ncpu0 1 1 1 1\n", 100, stats);
  EXPECT_EQ(stats.cpu_busy_ns(), 63ull * 10'000'000);
  EXPECT_EQ(stats.cpu_idle_ns(), 450ull * 10'000'000);
  wire::msg::StatsResponse nothing;
  read_cpu("", 100, nothing);
  EXPECT_EQ(nothing.cpu_busy_ns(), 0u);
}

TEST(MachineStats, ReadMemoryAndLoad) {
  wire::msg::StatsResponse stats;
  read_memory(
      "MemTotal:  1000 kB\nMemFree: 400 kB\nMemAvailable: 700 kB\nBuffers: 10 kB\nCached: 200 kB\n"
      "SwapCached: 7 kB\nSReclaimable: 30 kB\n",
      stats);
  EXPECT_EQ(stats.memory_total_bytes(), 1000u * 1024);
  EXPECT_EQ(stats.memory_free_bytes(), 400u * 1024);
  EXPECT_EQ(stats.memory_available_bytes(), 700u * 1024);
  EXPECT_EQ(stats.memory_cache_bytes(), 240u * 1024);
  read_load("0.07 12.50 0.00 1/70 123\n", stats);
  EXPECT_EQ(stats.load_1_milli(), 70u);
  EXPECT_EQ(stats.load_5_milli(), 12'500u);
  EXPECT_EQ(stats.load_15_milli(), 0u);
}

TEST(MachineStats, AddUpWholeDisksOnly) {
  wire::msg::BlockStats stats;
  read_disks(
      " 254       0 vda 100 1 2000 5 10 2 300 6 0 0 0\n"
      " 254       1 vda1 50 1 1000 5 10 2 300 6 0 0 0\n"
      "   7       0 loop0 50 1 1000 5 10 2 300 6 0 0 0\n"
      " 254      16 vdb 1 0 8 0 1 0 8 0 0 0 0\n",
      stats);
  EXPECT_EQ(stats.reads(), 101u);
  EXPECT_EQ(stats.read_bytes(), 2008u * 512);
  EXPECT_EQ(stats.writes(), 11u);
  EXPECT_EQ(stats.written_bytes(), 308u * 512);
}

TEST(MachineStats, AddUpInterfacesWithoutTheLoopback) {
  wire::msg::NetworkStats stats;
  read_interfaces(
      "Inter-|   Receive                  |  Transmit\n"
      " face |bytes    packets errs drop fifo frame compressed multicast|bytes packets\n"
      "    lo: 999 9 0 0 0 0 0 0 999 9 0 0 0 0 0 0\n"
      "  eth0:1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n"
      "  eth1: 1 1 0 0 0 0 0 0 2 2 0 0 0 0 0 0\n",
      stats);
  EXPECT_EQ(stats.received_bytes(), 1001u);
  EXPECT_EQ(stats.received_packets(), 11u);
  EXPECT_EQ(stats.sent_bytes(), 2002u);
  EXPECT_EQ(stats.sent_packets(), 22u);
}

TEST(MachineStats, ComeFromTheKernel) {
  const auto stats = machine_stats(nullptr);
  EXPECT_GT(stats.uptime_ns(), 0u);
  EXPECT_GT(stats.cpu_busy_ns(), 0u);
  EXPECT_GT(stats.memory_total_bytes(), stats.memory_free_bytes());
  EXPECT_EQ(stats.container().cpu_ns(), 0u);
}

TEST(ProcessStat, IsReadBehindANameThatLies) {
  const auto stat = parse_process_stat(
      "42 (a) R 1 (b\n) S 7 42 42 0 -1 4194304 1 2 3 4 50 25 6 7 20 0 3 0 1234 10000000 77 "
      "18446744073709551615\n");
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->name, "a) R 1 (b\n");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->parent, 7);
  EXPECT_EQ(stat->cpu_ticks, 75u);
  EXPECT_EQ(stat->threads, 3u);
  EXPECT_EQ(stat->start_ticks, 1234u);
  EXPECT_EQ(stat->resident_pages, 77u);
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("42 )("));
}

TEST(ProcessStat, AgreesWithTheKernelAboutThisProcess) {
  const auto stat = parse_process_stat(read_proc("/proc/self/stat"));
  ASSERT_TRUE(stat);
  EXPECT_EQ(stat->parent, ::getppid());
  EXPECT_GE(stat->threads, 1u);
  EXPECT_GT(stat->resident_pages, 0u);
}

TEST(ProcessPlace, IsThatInTheContainer) {
  const auto nested = parse_process_status("Name:\tsh\nUid:\t1\t33\t1\t1\nNSpid:\t300\t12\t4\n");
  ASSERT_TRUE(nested);
  EXPECT_EQ(nested->pid, 12u);
  EXPECT_EQ(nested->uid, 33u);
  EXPECT_FALSE(parse_process_status("Name:\tkthread\nUid:\t0\t0\t0\t0\nNSpid:\t300\n"));
  EXPECT_FALSE(parse_process_status(""));
}

TEST(UserNames, TakeTheFirstEntryThatMakesSense) {
  const auto names = user_names(
      "root:x:0:0::/:\nbroken\nbad:x:-1:0::/:\nweb:x:33:33::/:\ntwin:x:33:1::/:\nbig:x:99999999999:1");
  EXPECT_EQ(names.size(), 2u);
  EXPECT_EQ(names.at(0), "root");
  EXPECT_EQ(names.at(33), "web");
}

}  // namespace
}  // namespace boxlite::agent
