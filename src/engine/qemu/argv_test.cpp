// SPDX-License-Identifier: Apache-2.0
#include "engine/qemu/argv.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"

namespace boxlite::engine::qemu {
namespace {

using testing::HasSubstr;
using testing::Not;

MachineSpec example() {
  return {.kernel = "/r/vmlinux",
          .initramfs = "/r/initramfs.cpio",
          .accelerator = Accelerator::tcg,
          .cpus = 1,
          .memory_mib = 512,
          .tsc_khz = 2'596'000,
          .disks = {{"/b/disk.qcow2", DiskFormat::qcow2, "/d/base.ext4", false}}};
}

std::string as_text(const MachineSpec& spec) {
  return join(machine_arguments(spec, std::nullopt), " ");
}

TEST(MachineArguments, AreTheseForAnEmulatedMachine) {
  EXPECT_EQ(
      as_text(example()),
      "-machine microvm,acpi=off,pcie=off,usb=off,isa-serial=off,rtc=on,pit=on,pic=on,dump-guest-core=off,"
      "mem-merge=off,memory-backend=ram "
      "-accel tcg,thread=single -cpu max,-erms,-rdrand,-rdseed -smp 1 -m 512M "
      "-object memory-backend-ram,id=ram,size=512M,share=off "
      "-nodefaults -no-user-config -no-reboot -display none -global virtio-mmio.force-legacy=off "
      "-kernel /r/vmlinux -initrd /r/initramfs.cpio "
      "-append console=hvc0 quiet reboot=t panic=-1 dummy.numdummies=0 bdev_allow_write_mounted=1 "
      "mitigations=off no_timer_check noreplace-smp norandmaps "
      "tsc=reliable tsc_early_khz=2596000 "
      "-chardev socket,id=control,fd=3 -mon chardev=control,mode=control "
      "-chardev socket,id=console,fd=5 -chardev socket,id=agent,fd=4 "
      "-chardev socket,id=folders,fd=9 "
      "-device virtio-serial-device,id=serial,max_ports=3 "
      "-device virtconsole,bus=serial.0,nr=0,chardev=console "
      "-device virtserialport,bus=serial.0,nr=1,chardev=agent,name=boxlite.agent "
      "-device virtserialport,bus=serial.0,nr=2,chardev=folders,name=boxlite.folders "
      "-blockdev driver=file,node-name=basefile0,filename=/d/base.ext4,read-only=on,aio=threads,"
      "cache.direct=off,cache.no-flush=off "
      "-blockdev driver=raw,node-name=base0,file=basefile0,read-only=on,cache.direct=off,cache.no-flush=off "
      "-blockdev driver=file,node-name=file0,filename=/b/disk.qcow2,read-only=off,aio=threads,discard=unmap,"
      "cache.direct=off,cache.no-flush=off "
      "-blockdev driver=qcow2,node-name=disk0,file=file0,read-only=off,discard=unmap,cache.direct=off,"
      "cache.no-flush=off,backing=base0 "
      "-device virtio-blk-device,id=vd0,drive=disk0,werror=report,rerror=report "
      "-netdev stream,id=link,server=off,addr.type=fd,addr.str=8 "
      "-device virtio-net-device,netdev=link,mac=5a:94:ef:e4:0c:ee,guest_announce=off "
      "-object rng-random,id=entropy,filename=/dev/urandom -device virtio-rng-device,rng=entropy "
      "-device virtio-balloon-device,free-page-reporting=on,deflate-on-oom=on");
}

TEST(MachineArguments, UseTheHostsProcessorWithKvmAndKeepItsMitigations) {
  auto spec = example();
  spec.accelerator = Accelerator::kvm;
  spec.cpus = 4;
  const auto text = as_text(spec);
  EXPECT_THAT(text, HasSubstr("-accel kvm -cpu host -smp 4"));
  EXPECT_THAT(text, Not(HasSubstr("mitigations=off")));
  EXPECT_THAT(text, Not(HasSubstr("tsc_early_khz")));
}

TEST(MachineArguments, TranslateOnSeveralThreadsForSeveralProcessors) {
  auto spec = example();
  spec.cpus = 2;
  EXPECT_THAT(as_text(spec), HasSubstr("tcg,thread=multi"));
}

TEST(MachineArguments, LetNoCommaOfAPathBecomeAnOption) {
  auto spec = example();
  spec.disks = {{"/b/a,read-only=off", DiskFormat::raw, {}, true}};
  const auto text = as_text(spec);
  EXPECT_THAT(text, HasSubstr("filename=/b/a,,read-only=off,read-only=on"));
  EXPECT_THAT(text, HasSubstr("driver=raw,node-name=disk0"));
}

TEST(MachineArguments, ClaimNothingAboutAClockThatNobodyMeasured) {
  auto spec = example();
  spec.tsc_khz = 0;
  EXPECT_THAT(kernel_command_line(spec), Not(HasSubstr("tsc")));
}

TEST(MachineArguments, LetTheCallersKernelArgumentsWin) {
  auto spec = example();
  spec.kernel_arguments = "loglevel=7";
  EXPECT_TRUE(kernel_command_line(spec).ends_with(" loglevel=7"));
}

}  // namespace
}  // namespace boxlite::engine::qemu
