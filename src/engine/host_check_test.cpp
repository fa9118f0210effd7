// SPDX-License-Identifier: Apache-2.0
#include "engine/host_check.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <iterator>

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/files.h"
#include "engine/host_facts.h"
#include "jail/file_confinement.h"

namespace boxlite::engine {
namespace {

TEST(KvmProbe, AlwaysComesBackSoonAndLeavesTheSignalMaskAlone) {
  sigset_t before, after;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &before);
  const auto began = std::chrono::steady_clock::now();
  const auto report = host::probe_kvm();
  // A back end that interprets takes about 100 ms; the limits add up to half a second.
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  EXPECT_EQ(report.verdict == host::KvmVerdict::usable, report.runs_natively);
  EXPECT_EQ(report.verdict == host::KvmVerdict::usable, report.detail.empty());
  ::pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < SIGRTMAX; ++signal) {
    EXPECT_EQ(::sigismember(&before, signal), ::sigismember(&after, signal));
  }
}

TEST(KvmProbe, SaysWhatIsMissing) {
  EXPECT_EQ(host::probe_kvm("/no/such/kvm").verdict, host::KvmVerdict::missing);
  const auto null = host::probe_kvm("/dev/null");
  EXPECT_EQ(null.verdict, host::KvmVerdict::unusable);
  EXPECT_TRUE(null.opens);
}

TEST(HostFacts, FindTheProcessorsVirtualization) {
  EXPECT_EQ(cpu_virtualization("model: x\nflags\t\t: fpu svm vme\nbugs: vmx\n"), "svm");
  EXPECT_EQ(cpu_virtualization("model: x\nflags\t\t: fpu vmx"), "vmx");
  EXPECT_EQ(cpu_virtualization("model: x\nflags\t\t: fpu vmx_something\n"), "");
  EXPECT_EQ(cpu_virtualization(""), "");
}

// What AppArmor does on some distributions: the namespace can be made, but nothing mounted in it.
bool forbid_mounts() {
  sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mount, 0, 1),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = std::size(code), .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST(HostFacts, ANamespaceInWhichNothingCanBeMountedIsNone) {
  if (!has_user_namespaces()) GTEST_SKIP() << "no user namespaces here";
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) ::_exit(!forbid_mounts() ? 2 : has_user_namespaces() ? 1 : 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(HostFacts, KnowWhichQemuIsTooOld) {
  EXPECT_TRUE(require_qemu_version("7.2.22"));
  EXPECT_TRUE(require_qemu_version("10.0"));
  EXPECT_EQ(require_qemu_version("7.1.9").error().code(), ErrorCode::unsupported);
  EXPECT_FALSE(require_qemu_version("6"));
}

TEST(HostFacts, OfferARemedyForEachVerdict) {
  host::KvmReport report;
  report.verdict = host::KvmVerdict::no_access;
  EXPECT_NE(kvm_remedy(report, "vmx", false).find("group kvm"), std::string::npos);
  report.verdict = host::KvmVerdict::missing;
  EXPECT_NE(kvm_remedy(report, "vmx", false).find("modprobe kvm_intel"), std::string::npos);
  EXPECT_NE(kvm_remedy(report, "svm", false).find("modprobe kvm_amd"), std::string::npos);
  EXPECT_NE(kvm_remedy(report, "", false).find("BIOS"), std::string::npos);
  EXPECT_NE(kvm_remedy(report, "", true).find("nestedVirtualization=true"), std::string::npos);
}

class EngineChoiceTest : public testing::Test {
 protected:
  EngineChoiceTest() : dir_(*TempDir::create(testing::TempDir(), "engine-")) {
    request_.cache_file = dir_.path() / "verdict";
    request_.kvm_device = "/no/such/kvm";
    request_.asks_confined = false;
    // Says its version and notes that it was asked.
    write_qemu("7.2.22");
    request_.qemu_name = (dir_.path() / "qemu").native();
  }

  void write_qemu(const std::string& version) {
    const auto script = "#!/bin/sh\necho asked >>" + (dir_.path() / "asked").native() +
                        "\necho 'QEMU emulator version " + version + " (Debian)'\n";
    ASSERT_TRUE(write_file_atomic(dir_.path() / "qemu", script, 0755));
  }
  std::size_t times_asked() {
    const auto text = read_file(dir_.path() / "asked");
    return text ? text->size() / 6 : 0;
  }

  TempDir dir_;
  EngineRequest request_;
};

TEST_F(EngineChoiceTest, MeasuresOncePerBootAndProgram) {
  const auto first = choose_engine(request_);
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_EQ(first->accelerator, Accelerator::tcg);
  EXPECT_EQ(first->version, "7.2.22");
  EXPECT_EQ(choose_engine(request_).value(), *first);
  EXPECT_EQ(times_asked(), 1u);
  write_qemu("8.0.1");
  EXPECT_EQ(choose_engine(request_)->version, "8.0.1");
  EXPECT_EQ(times_asked(), 2u);
}

TEST_F(EngineChoiceTest, MeasuresAgainWhenTheCacheIsDamaged) {
  ASSERT_TRUE(choose_engine(request_));
  ASSERT_TRUE(write_file_atomic(request_.cache_file, "rubbish\n=\n\xff"));
  EXPECT_TRUE(choose_engine(request_));
  EXPECT_EQ(times_asked(), 2u);
}

TEST_F(EngineChoiceTest, RefusesKvmByNameWhereItCannotBeUsed) {
  request_.accelerator = Accelerator::kvm;
  const auto choice = choose_engine(request_);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code(), ErrorCode::unsupported);
  EXPECT_EQ(choice.error().message(), "accelerator kvm: this host has no /dev/kvm");
  EXPECT_FALSE(choice.error().remedy().empty());
}

TEST_F(EngineChoiceTest, HeedsTheEnvironment) {
  ::setenv("BOXLITE_ACCEL", "kvm", 1);
  EXPECT_FALSE(choose_engine(request_));
  ::setenv("BOXLITE_ACCEL", "fast", 1);
  EXPECT_EQ(choose_engine(request_).error().code(), ErrorCode::invalid_argument);
  ::setenv("BOXLITE_ACCEL", "auto", 1);
  EXPECT_TRUE(choose_engine(request_));
  ::unsetenv("BOXLITE_ACCEL");
}

// It would need a shell, which nothing that breaks out of a box may run.
TEST_F(EngineChoiceTest, SaysThatAScriptCannotStandForQemu) {
  if (!jail::can_confine_files()) GTEST_SKIP() << "nothing is confined here";
  request_.asks_confined = true;
  const auto refused = choose_engine(request_);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), ErrorCode::unsupported);
  EXPECT_NE(refused.error().message().find(request_.qemu_name), std::string::npos)
      << refused.error().message();
  EXPECT_NE(refused.error().remedy().find("confined"), std::string::npos) << refused.error().remedy();
  const auto report = check_host(request_, "/");
  EXPECT_TRUE(std::ranges::any_of(report.problems, [](const auto& problem) {
    return problem.is_fatal && problem.remedy.find("confined") != std::string::npos;
  }));
  EXPECT_TRUE(qemu_version(find_qemu("qemu-system-x86_64").value())) << "the system's own can";
}

TEST_F(EngineChoiceTest, SaysHowToGetQemu) {
  request_.qemu_name = "no-such-qemu";
  const auto missing = choose_engine(request_);
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().remedy().find("apt-get install qemu-system-x86"), std::string::npos);
  const auto report = check_host(request_, "/no/such/home");
  EXPECT_FALSE(report.qemu);
  EXPECT_TRUE(std::ranges::any_of(report.problems, [](const auto& problem) { return problem.is_fatal; }));
  EXPECT_GT(report.free_disk_bytes, 0u);
}

}  // namespace
}  // namespace boxlite::engine
