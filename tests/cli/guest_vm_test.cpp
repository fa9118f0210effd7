// SPDX-License-Identifier: Apache-2.0
// What the options of a box make of its inside: memory files, limits, a root that cannot be written, devices.
#include <cstdlib>
#include <filesystem>

#include "cli/vm_test_home.h"

namespace boxlite::test {
namespace {

using testing::HasSubstr;

class GuestVmTest : public VmTest {};

constexpr const char* shm_kib = "df -k /dev/shm | awk 'END {print $2}'";

TEST_F(GuestVmTest, SharedMemoryIsHalfOfTheMemoryUnlessItIsSaid) {
  const int half = std::atoi(shell(shm_kib).out.c_str());
  EXPECT_GT(half, 220 << 10);
  EXPECT_LE(half, 256 << 10);
  EXPECT_EQ(shell(shm_kib, {"--shm-size", "200m"}).out, "204800\n");
  EXPECT_EQ(shell(shm_kib, {"--shm-size=200m", "--cold"}).out, "204800\n");
  EXPECT_EQ(shell(shm_kib, {"--tmpfs", "/dev/shm:size=200m"}).out, "204800\n");
  EXPECT_EQ(shell("grep -c ' /dev/shm ' /proc/mounts", {"--shm-size", "1g"}).out, "1\n");
}

TEST_F(GuestVmTest, LimitsAreThoseOfEveryCommand) {
  const std::string show = "ulimit -Sn; ulimit -Hn; ulimit -c; ulimit -Ss";
  const std::vector<std::string> limits{"--ulimit", "nofile=1000:2000", "--ulimit", "core=0",
                                        "--ulimit", "stack=-1",         "--ulimit", "nproc=unlimited"};
  EXPECT_EQ(shell(show, limits).out, "1000\n2000\n0\nunlimited\n");
  EXPECT_EQ(shell("ulimit -Sn; ulimit -Hn", {"--ulimit", "nofile=-1"}).out, "1048576\n1048576\n");
  std::vector<std::string> create{"create", "--name", "w"};
  create.insert(create.end(), limits.begin(), limits.end());
  create.emplace_back("boxlite/base");
  ASSERT_EQ(run(create).code(), 0);
  EXPECT_EQ(run({"exec", "w", "sh", "-c", show}).out, "1000\n2000\n0\nunlimited\n");
  EXPECT_THAT(run({"inspect", "w"}).out, HasSubstr("\"Hard\": -1"));
}

TEST_F(GuestVmTest, ALimitThatIsNoneIsAnErrorThatSaysWhy) {
  struct Case {
    int code;
    const char* limit;
    const char* message;
  };
  for (const auto& [code, limit, message] :
       {Case{2, "nofile", "is not NAME=SOFT[:HARD]"}, Case{2, "nofile=x", "is not NAME=SOFT[:HARD]"},
        Case{2, "nofile=1:-2", "is not NAME=SOFT[:HARD]"},
        Case{125, "files=1", "ulimit \"files\" is not known"},
        Case{125, "core=-1:5", "the soft limit unlimited is above the hard limit 5"},
        Case{125, "nofile=2000000", "at most 1048576"}}) {
    const auto refused = run({"create", "--ulimit", limit, "boxlite/base"});
    EXPECT_EQ(refused.code(), code) << limit;
    EXPECT_THAT(refused.err, HasSubstr(message)) << limit;
  }
}

// What may be written is named, what may not is counted.
constexpr const char* write_everywhere =
    "for place in / /etc /bin /root /new/dir /dev /dev/shm /scratch /kept /tmp; do"
    "  touch $place/file 2>/dev/null && echo $place; done;"
    "for file in /etc/hosts /etc/hostname /etc/resolv.conf; do echo >> $file && echo $file; done 2>/dev/null;"
    "pwd; grep -c localhost /etc/hosts";

TEST_F(GuestVmTest, AReadOnlyRootLeavesWhatIsMountedInIt) {
  for (const char* way : {"--read-only", "--cold"}) {
    const auto ran =
        shell(write_everywhere, {way, "--read-only", "--tmpfs", "/scratch", "-v", "/kept", "-w", "/new/dir"});
    EXPECT_EQ(ran.out, "/dev\n/dev/shm\n/scratch\n/kept\n/new/dir\n2\n") << way << ": " << ran.err;
  }
}

TEST_F(GuestVmTest, ATmpfsIsAsItsOptionsSay) {
  const std::string show =
      "stat -c '%a %u %g' /t; grep -c ' /t tmpfs rw,nosuid,nodev,noexec' /proc/mounts;"
      "cp /bin/busybox /t/true; /t/true 2>/dev/null; echo $?";
  EXPECT_EQ(shell(show, {"--tmpfs", "/t"}).out, "1777 0 0\n1\n126\n") << "as with Docker";
  EXPECT_EQ(shell(show, {"--tmpfs", "/t:rw,exec,suid,dev,noatime,mode=750,uid=7,gid=8,size=9m"}).out,
            "750 7 8\n0\n0\n");
  EXPECT_EQ(shell("df -k /t | awk 'END {print $2}'; touch /t/x; echo $?", {"--tmpfs", "/t:ro,size=9m"}).out,
            "9216\n1\n");
  for (const char* wrong : {"/t:uid=root", "/t:size=x", "/t:mode=9", "/t:colour=red", "/t:exec=1"})
    EXPECT_EQ(run({"create", "--tmpfs", wrong, "boxlite/base"}).code(), 2) << wrong;
}

TEST_F(GuestVmTest, APrivilegedBoxHasLoopDevicesTheKernelsLogAndLinks) {
  const auto ran = shell(
      "dd if=/dev/zero of=/image bs=1M count=4 2>/dev/null; mkdir /l /u /w /m /n;"
      "d=$(losetup -f) && losetup $d /image && echo loop;"
      "mke2fs -F $d >/dev/null 2>&1; mount -t ext4 $d /m && echo mounted && umount /m; losetup -d $d;"
      "mount -o loop -t ext4 /image /m && echo again;"
      "mount -t overlay o -o lowerdir=/l,upperdir=/u,workdir=/w /n && echo overlay;"
      "dd if=/dev/kmsg bs=8192 count=1 2>/dev/null | grep -q ';' && echo kmsg;"
      "ip link add wg0 type wireguard && echo wireguard;"
      "ip link add link eth0 iv0 type ipvlan && echo ipvlan;"
      "zcat /proc/config.gz | grep -c '^CONFIG_VXLAN=y';"
      "ls /dev | grep -c '^vda$\\|^vport\\|^hvc'",
      {"--privileged"});
  EXPECT_EQ(ran.out, "loop\nmounted\nagain\noverlay\nkmsg\nwireguard\nipvlan\n1\n0\n") << ran.err;
  EXPECT_EQ(shell("ls /dev | grep -c '^loop\\|^kmsg'").out, "0\n") << "only when privileged";
}

// Programs for printf(1) that exit with a code of their own: one for i386, one that calls the vsyscall page
// first.
constexpr const char* i386 =
    "\\177\\105\\114\\106\\001\\001\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\002\\000\\003\\000\\"
    "001\\000"
    "\\000\\000\\124\\200\\004\\010\\064\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\064\\000\\"
    "040\\000"
    "\\001\\000\\000\\000\\000\\000\\000\\000\\001\\000\\000\\000\\000\\000\\000\\000\\000\\200\\004\\010\\"
    "000\\200"
    "\\004\\010\\140\\000\\000\\000\\140\\000\\000\\000\\005\\000\\000\\000\\000\\020\\000\\000\\270\\001\\"
    "000\\000"
    "\\000\\273\\007\\000\\000\\000\\315\\200";

constexpr const char* vsyscall =
    "\\177\\105\\114\\106\\002\\001\\001\\000\\000\\000\\000\\000\\000\\000\\000\\000\\002\\000\\076\\000\\"
    "001\\000"
    "\\000\\000\\170\\000\\100\\000\\000\\000\\000\\000\\100\\000\\000\\000\\000\\000\\000\\000\\000\\000\\"
    "000\\000"
    "\\000\\000\\000\\000\\000\\000\\000\\000\\100\\000\\070\\000\\001\\000\\000\\000\\000\\000\\000\\000\\"
    "001\\000"
    "\\000\\000\\005\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\000\\100\\000\\000\\000\\"
    "000\\000"
    "\\000\\000\\100\\000\\000\\000\\000\\000\\217\\000\\000\\000\\000\\000\\000\\000\\217\\000\\000\\000\\"
    "000\\000"
    "\\000\\000\\000\\020\\000\\000\\000\\000\\000\\000\\110\\307\\300\\000\\004\\140\\377\\061\\377\\377\\"
    "320\\277"
    "\\011\\000\\000\\000\\270\\074\\000\\000\\000\\017\\005";

TEST_F(GuestVmTest, OldBinariesRun) {
  const auto ran = shell(std::string("printf '") + i386 + "' > /a; printf '" + vsyscall +
                         "' > /b; chmod +x /a /b; /a; echo $?; /b; echo $?");
  EXPECT_EQ(ran.out, "7\n9\n") << ran.err;
}

TEST_F(GuestVmTest, AnImageForI386RunsWhenItIsAskedFor) {
  const auto work = home().directory() / "i386";
  const auto script = std::string("mkdir -p root && printf '") + i386 +
                      "' > root/p && chmod +x root/p && tar -cf layer.tar -C root p && " +
                      "OCI_ARCHITECTURE=386 " OCI_IMAGE_SCRIPT
                      " layer.tar image.tar docker.io/library/old:1 '[\"/p\"]'";
  std::filesystem::create_directories(work);
  const auto made = run_program({.words = {"/bin/sh", "-c", "cd " + work.native() + " && " + script},
                                 .environment = passed_environment(),
                                 .stdin_bytes = {}});
  ASSERT_EQ(made.code(), 0) << made.err;
  const auto image = (work / "image.tar").native();
  const auto refused = run({"load", "-q", "--platform", "linux/amd64", "-i", image});
  EXPECT_EQ(refused.code(), 125);
  EXPECT_THAT(refused.err, HasSubstr("--platform linux/386"));
  ASSERT_EQ(run({"load", "-q", "--platform", "linux/386", "-i", image}).code(), 0);
  const auto ran = run({"run", "--rm", "--platform", "linux/386", "old:1"});
  EXPECT_EQ(ran.code(), 7) << ran.err;
  EXPECT_EQ(run({"create", "--name", "old", "--platform", "i386", "old:1"}).code(), 0);
}

}  // namespace
}  // namespace boxlite::test
