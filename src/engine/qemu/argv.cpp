// SPDX-License-Identifier: Apache-2.0
//
// Why each part is as it is: docs/explanation/engines.md; the kernel's part:
// docs/explanation/guest-kernel.md.
#include "engine/qemu/argv.h"

#include <string_view>

#include "base/concat.h"
#include "wire/folder_orders.h"
#include "wire/network_plan.h"

namespace boxlite::engine::qemu {
namespace {

// A comma ends a value in QEMU's option syntax; a doubled one stands for itself.
std::string escaped(std::string_view value) {
  std::string out;
  for (const char letter : value) {
    out += letter;
    if (letter == ',') out += ',';
  }
  return out;
}

using Arguments = std::vector<std::string>;

void add(Arguments& arguments, std::string_view option, std::string value) {
  arguments.emplace_back(option);
  arguments.push_back(std::move(value));
}

// Lazily touched. That of a continued machine is mapped privately: boxes share the pages that they do not
// change.
std::string memory(const MachineSpec& spec, const std::optional<Snapshot>& from) {
  const auto size = concat("id=ram,size=", spec.memory_mib, "M");
  if (!spec.memory_file.empty())
    return concat("memory-backend-file,", size, ",share=on,mem-path=", escaped(spec.memory_file.native()));
  if (from)
    return concat("memory-backend-file,", size, ",share=off,mem-path=", escaped(from->memory.native()));
  return concat("memory-backend-ram,", size, ",share=off");
}

void add_board(Arguments& arguments, const MachineSpec& spec, const std::optional<Snapshot>& from) {
  // rtc: without it the kernel waits a second for a clock that is not there. pit: under TCG it is the only
  // timer that the kernel can calibrate with.
  add(arguments, "-machine",
      "microvm,acpi=off,pcie=off,usb=off,isa-serial=off,rtc=on,pit=on,pic=on,dump-guest-core=off,mem-merge="
      "off,"
      "memory-backend=ram");
  if (spec.accelerator == Accelerator::kvm) {
    add(arguments, "-accel", "kvm");
    add(arguments, "-cpu", "host");
  } else {
    add(arguments, "-accel", spec.cpus > 1 ? "tcg,thread=multi" : "tcg,thread=single");
    // erms says that copying byte by byte is the fastest way. Emulated, it is the slowest: every step of a
    // string instruction costs the same, so the kernel had better take steps of eight bytes.
    // QEMU draws the random numbers of its instructions from a generator of its own, which a frozen process
    // would share with all that are thawed from it. The guest has virtio-rng.
    add(arguments, "-cpu", "max,-erms,-rdrand,-rdseed");
  }
  add(arguments, "-smp", concat(spec.cpus));
  add(arguments, "-m", concat(spec.memory_mib, "M"));
  add(arguments, "-object", memory(spec, from));
  for (const auto* option : {"-nodefaults", "-no-user-config", "-no-reboot"}) arguments.emplace_back(option);
  add(arguments, "-display", "none");
  // Virtio 1.0; the older interface is QEMU's default here.
  add(arguments, "-global", "virtio-mmio.force-legacy=off");
}

// A continued machine has its kernel in its memory.
void add_kernel(Arguments& arguments, const MachineSpec& spec, const std::optional<Snapshot>& from) {
  if (from) return add(arguments, "-incoming", "defer");
  add(arguments, "-kernel", spec.kernel.native());
  add(arguments, "-initrd", spec.initramfs.native());
  add(arguments, "-append", kernel_command_line(spec));
}

void add_channels(Arguments& arguments) {
  add(arguments, "-chardev", concat("socket,id=control,fd=", control_fd));
  add(arguments, "-mon", "chardev=control,mode=control");
  add(arguments, "-chardev", concat("socket,id=console,fd=", console_fd));
  add(arguments, "-chardev", concat("socket,id=agent,fd=", agent_port_fd));
  add(arguments, "-chardev", concat("socket,id=folders,fd=", folders_port_fd));
  add(arguments, "-device", "virtio-serial-device,id=serial,max_ports=3");
  // Port 0 is the console's by definition.
  add(arguments, "-device", "virtconsole,bus=serial.0,nr=0,chardev=console");
  add(arguments, "-device", concat("virtserialport,bus=serial.0,nr=1,chardev=agent,name=", agent_port_name));
  add(arguments, "-device",
      concat("virtserialport,bus=serial.0,nr=2,chardev=folders,name=", wire::folders_port_name));
}

// Named here, it is not the disk's own header that says which file is opened.
void add_base(Arguments& arguments, const Disk& disk, std::size_t index) {
  add(arguments, "-blockdev",
      concat("driver=file,node-name=basefile", index, ",filename=", escaped(disk.base.native()),
             ",read-only=on,aio=threads,cache.direct=off,cache.no-flush=off"));
  add(arguments, "-blockdev",
      concat("driver=raw,node-name=base", index, ",file=basefile", index,
             ",read-only=on,cache.direct=off,cache.no-flush=off"));
}

// cache.direct=off: base images are shared by boxes through the host's page cache. cache.no-flush=off: the
// guest's fsync reaches the host's disk. discard: what the guest deletes is given back. One thread pool
// (aio=threads) works on every host file system; io_uring would be one more interface for the jail to allow.
// werror=report: QEMU's default stops the machine when the host's disk is full, which looks like a hang; the
// guest gets an I/O error instead, and the program that wrote hears of it.
void add_file(Arguments& arguments, const Disk& disk, std::size_t index) {
  const std::string_view read_only = disk.is_read_only ? "on" : "off";
  if (!disk.base.empty()) add_base(arguments, disk, index);
  add(arguments, "-blockdev",
      concat("driver=file,node-name=file", index, ",filename=", escaped(disk.path.native()),
             ",read-only=", read_only, ",aio=threads,discard=unmap,cache.direct=off,cache.no-flush=off"));
  add(arguments, "-blockdev",
      concat("driver=", name(disk.format), ",node-name=disk", index, ",file=file", index,
             ",read-only=", read_only, ",discard=unmap,cache.direct=off,cache.no-flush=off",
             disk.base.empty() ? std::string() : concat(",backing=base", index)));
}

void add_disk(Arguments& arguments, const Disk& disk, std::size_t index) {
  if (disk.format == DiskFormat::blank) {
    add(arguments, "-blockdev",
        concat("driver=null-co,node-name=disk", index, ",size=", disk.size_bytes, ",read-zeroes=on"));
  } else {
    add_file(arguments, disk, index);
  }
  add(arguments, "-device",
      concat("virtio-blk-device,id=vd", index, ",drive=disk", index, ",werror=report,rerror=report"));
}

// guest_announce: after each restore the guest would tell a switch that is not there where it is now.
void add_link(Arguments& arguments) {
  add(arguments, "-netdev", concat("stream,id=link,server=off,addr.type=fd,addr.str=", link_fd));
  add(arguments, "-device",
      concat("virtio-net-device,netdev=link,mac=", wire::guest_mac_text, ",guest_announce=off"));
}

void add_rest(Arguments& arguments) {
  add(arguments, "-object", "rng-random,id=entropy,filename=/dev/urandom");
  add(arguments, "-device", "virtio-rng-device,rng=entropy");
  add(arguments, "-device", "virtio-balloon-device,free-page-reporting=on,deflate-on-oom=on");
}

}  // namespace

std::vector<std::string> machine_arguments(const MachineSpec& spec, const std::optional<Snapshot>& from) {
  Arguments arguments;
  add_board(arguments, spec, from);
  add_kernel(arguments, spec, from);
  add_channels(arguments);
  // virtio-mmio devices are numbered from the last one down, but the kernel probes them by address: disks in
  // order.
  for (std::size_t index = 0; index < spec.disks.size(); ++index)
    add_disk(arguments, spec.disks[index], index);
  add_link(arguments);
  add_rest(arguments);
  return arguments;
}

std::string kernel_command_line(const MachineSpec& spec) {
  // Without the parameter the driver makes a dummy0 that nobody asked for. mount(8) keeps a loop device open
  // for writing while it mounts it, which this kernel's default refuses.
  std::string line = "console=hvc0 quiet reboot=t panic=-1 dummy.numdummies=0 bdev_allow_write_mounted=1";
  if (spec.accelerator == Accelerator::tcg) {
    // The emulated processor has no speculation to guard against, and its timer interrupt works. One vCPU
    // would have 8,000 lock prefixes patched away, which costs more than they do.
    // A program at a new address is translated anew, so each start of `true` would take 46 ms instead of 9.
    line += " mitigations=off no_timer_check noreplace-smp norandmaps";
    // The guest's counter is the host's; the kernel cannot measure it here, and would distrust it for a
    // second.
    if (spec.tsc_khz != 0) line += concat(" tsc=reliable tsc_early_khz=", spec.tsc_khz);
  }
  if (!spec.kernel_arguments.empty()) line += concat(" ", spec.kernel_arguments);
  return line;
}

}  // namespace boxlite::engine::qemu
