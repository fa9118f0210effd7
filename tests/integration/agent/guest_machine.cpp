// SPDX-License-Identifier: Apache-2.0
#include "guest_machine.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/ids.h"

namespace boxlite::test {
namespace fs = std::filesystem;
namespace {

constexpr std::chrono::seconds answer_limit(60);

fs::path kernel_path() {
  const char* const named = std::getenv("BOXLITE_KERNEL");
  return named != nullptr ? named : BOXLITE_DEFAULT_KERNEL;
}

// Runs a shell line of ours; true when it succeeds.
bool run(const std::string& line) {
  return std::system(line.c_str()) == 0;
}

// A tree of busybox with accounts, packed into ext4 by mke2fs: no privileges needed.
bool make_disk(const fs::path& dir) {
  const auto tree = dir / "tree";
  for (const char* name : {"bin", "etc", "root", "tmp", "var", "home/web", "opt/tools"}) {
    fs::create_directories(tree / name);
  }
  fs::copy_file("/bin/busybox", tree / "bin/busybox");
  const auto put = [&](const char* name, std::string_view text, unsigned mode) {
    (void)write_file_atomic(tree / name, text, mode);
  };
  put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000:web:/home/web:/bin/sh\n", 0644);
  put("etc/group", "root:x:0:\ntty:x:5:\nweb:x:1000:\nextra:x:2000:web\n", 0644);
  put("etc/hosts", "image's own\n", 0644);
  put("opt/tools/noshebang", "\177not a program\n", 0755);
  put("opt/tools/notexecutable", "#!/bin/sh\n", 0644);
  put("opt/tools/lostinterpreter", "#!/nowhere/python\n", 0755);
  fs::create_symlink("../run/resolv/stub.conf", tree / "etc/resolv.conf");
  const auto links =
      concat("for a in $(", tree.native(), "/bin/busybox --list | grep -vx busybox); do ln -sf busybox ",
             tree.native(), "/bin/$a; done 2>/dev/null");
  const auto pack = concat("/sbin/mke2fs -q -t ext4 -E root_owner=0:0 -d ", tree.native(), " ",
                           (dir / "disk.img").native(), " 48M >/dev/null 2>&1");
  const auto grow = concat("truncate -s 256M ", (dir / "disk.img").native());
  return run(links) && run(pack) && run(grow);
}

std::vector<std::string> qemu_arguments(const fs::path& dir, int port_fd) {
  return {"qemu-system-x86_64",
          "-M",
          "microvm,acpi=off,pcie=off,usb=off,isa-serial=off,rtc=on,pit=on,pic=on",
          "-accel",
          "tcg,thread=multi",
          "-cpu",
          "max,-erms",
          "-m",
          "256",
          "-smp",
          "1",
          "-nodefaults",
          "-no-user-config",
          "-display",
          "none",
          "-no-reboot",
          "-kernel",
          kernel_path().native(),
          "-initrd",
          (dir / "initramfs").native(),
          "-chardev",
          concat("file,id=console,path=", (dir / "console.log").native()),
          "-chardev",
          concat("socket,id=agent,fd=", port_fd),
          "-device",
          "virtio-serial-device",
          "-device",
          "virtconsole,chardev=console",
          "-device",
          "virtserialport,chardev=agent,name=boxlite.agent",
          "-drive",
          concat("if=none,id=disk,format=raw,discard=unmap,file=", (dir / "disk.img").native()),
          "-device",
          "virtio-blk-device,drive=disk",
          "-object",
          "rng-random,id=rng,filename=/dev/urandom",
          "-device",
          "virtio-rng-device,rng=rng",
          "-append",
          "console=hvc0 quiet reboot=t panic=-1 mitigations=off no_timer_check noreplace-smp"};
}

}  // namespace

std::string GuestMachine::missing_part() {
  if (!fs::exists(kernel_path())) return "no guest kernel (set BOXLITE_KERNEL)";
  if (!run("command -v qemu-system-x86_64 >/dev/null")) return "no qemu-system-x86_64";
  if (!fs::exists("/bin/busybox") || !fs::exists("/sbin/mke2fs")) return "no busybox or mke2fs";
  return {};
}

std::unique_ptr<GuestMachine> GuestMachine::boot_bare() {
  auto dir = TempDir::create(fs::temp_directory_path(), "agent-test");
  EXPECT_TRUE(dir);
  std::unique_ptr<GuestMachine> machine(new GuestMachine(std::move(*dir)));
  const auto& path = machine->dir_.path();
  EXPECT_TRUE(make_disk(path));
  EXPECT_TRUE(run(concat(BOXLITE_INITRAMFS_SCRIPT, " ", BOXLITE_AGENT, " ", (path / "initramfs").native())));
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  machine->port_.reset(ends[0]);
  const UniqueFd theirs(ends[1]);
  const auto arguments = qemu_arguments(path, theirs.get());
  machine->qemu_ = ::fork();
  if (machine->qemu_ == 0) {
    ::fcntl(theirs.get(), F_SETFD, 0);
    std::vector<char*> argv;
    for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    ::_exit(127);
  }
  return machine;
}

std::unique_ptr<GuestMachine> GuestMachine::boot() {
  auto machine = boot_bare();
  const auto hello = machine->call<wire::GuestHello>({});
  EXPECT_TRUE(hello) << hello.error().message() << "\n" << machine->console();
  wire::msg::ConfigureRequest identity;
  identity.set_wall_clock_ns(static_cast<std::uint64_t>(now().time_since_epoch().count()));
  identity.set_entropy(random_bytes(64));
  identity.set_hostname("testbox");
  identity.add_nameservers("192.0.2.53");
  auto& host = *identity.add_hosts();
  host.set_address("192.0.2.7");
  host.add_names("friend.example");
  const auto configured = machine->call<wire::GuestConfigure>(identity);
  EXPECT_TRUE(configured) << configured.error().message();
  wire::msg::StartContainerRequest request;
  auto& spec = *request.mutable_container();
  spec.set_root_device("/dev/vda");
  spec.add_env("FROM_IMAGE=1");
  spec.add_env("OVERRIDDEN=image");
  for (const char* name : {"CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_MKNOD",
                           "CAP_NET_RAW", "CAP_SETGID", "CAP_SETUID", "CAP_SETFCAP", "CAP_SETPCAP",
                           "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT", "CAP_KILL", "CAP_AUDIT_WRITE"}) {
    spec.add_capabilities(name);
  }
  const auto started = machine->call<wire::GuestStartContainer>(request);
  EXPECT_TRUE(started) << started.error().message() << "\n" << machine->console();
  if (!started) return nullptr;
  return machine;
}

GuestMachine::~GuestMachine() {
  if (qemu_ <= 0) return;
  ::kill(qemu_, SIGKILL);
  ::waitpid(qemu_, nullptr, 0);
}

void GuestMachine::flush() {
  while (!writer_.empty()) {
    const auto pending = writer_.pending();
    const auto count = ::send(port_.get(), pending.data(), pending.size(), MSG_NOSIGNAL);
    if (count <= 0) return;
    writer_.consume(static_cast<std::size_t>(count));
  }
}

std::optional<GuestMachine::Received> GuestMachine::receive(Deadline deadline) {
  while (true) {
    const auto frame = reader_.next();
    EXPECT_TRUE(frame) << frame.error().message();
    if (!frame) return std::nullopt;
    if (*frame) return Received{(*frame)->header, std::string((*frame)->payload)};
    pollfd entry{port_.get(), POLLIN, 0};
    if (::poll(&entry, 1, deadline.poll_timeout_ms()) <= 0) return std::nullopt;
    const auto room = reader_.prepare();
    const auto count = ::read(port_.get(), room.data(), room.size());
    if (count <= 0) return std::nullopt;
    reader_.commit(static_cast<std::size_t>(count));
  }
}

bool GuestMachine::dispatch_one(Deadline deadline) {
  const auto frame = receive(deadline);
  if (!frame) return false;
  // A copy: the handler may be dropped while it runs.
  if (const auto found = handlers_.find(frame->header.stream); found != handlers_.end()) {
    const auto handler = found->second;
    handler(*frame);
  }
  return true;
}

std::optional<std::string> GuestMachine::await_response(std::uint32_t stream) {
  const auto deadline = Deadline::after(answer_limit);
  std::optional<std::string> payload;
  set_handler(stream, [&](const Received& frame) { payload = frame.payload; });
  while (!payload && dispatch_one(deadline)) {
  }
  drop_handler(stream);
  return payload;
}

bool GuestMachine::wait_for_end(Deadline deadline) {
  while (!deadline.has_passed()) {
    if (::waitpid(qemu_, nullptr, WNOHANG) == qemu_) {
      qemu_ = -1;
      return true;
    }
    ::poll(nullptr, 0, 5);
  }
  return false;
}

std::string GuestMachine::console() const {
  return read_file(dir_.path() / "console.log").value_or("");
}

Command::Command(GuestMachine& machine, std::vector<std::string> args)
    : machine_(machine), stream_(machine.new_stream()) {
  request_.set_id(new_id());
  for (auto& arg : args) request_.add_args(std::move(arg));
  machine_.set_handler(stream_, [this](const GuestMachine::Received& frame) { handle(frame); });
}

Command& Command::start() {
  EXPECT_TRUE(wire::write_request<wire::ExecStart>(machine_.out(), stream_, request_));
  machine_.flush();
  return *this;
}

Command& Command::attach(const std::string& id, std::uint64_t stdout_offset) {
  wire::msg::AttachRequest request;
  request.set_id(id);
  request.set_stdout_offset(stdout_offset);
  EXPECT_TRUE(wire::write_request<wire::ExecAttach>(machine_.out(), stream_, request));
  machine_.flush();
  return *this;
}

void Command::send(const wire::msg::ExecInput& input) {
  // Not appended before there is credit: answers to output would take it along.
  while (input_credit_.available() < input.ByteSizeLong() && !has_ended_) {
    ASSERT_TRUE(machine_.dispatch_one(Deadline::after(answer_limit)));
  }
  if (has_ended_) return;
  const auto size = wire::write_data(machine_.out(), stream_, input);
  ASSERT_TRUE(size);
  input_credit_.take(*size);
  machine_.flush();
}

void Command::send_unchecked(const wire::msg::ExecInput& input) {
  EXPECT_TRUE(wire::write_data(machine_.out(), stream_, input));
  machine_.flush();
}

void Command::send_stdin(std::string_view bytes) {
  while (!bytes.empty()) {
    wire::msg::ExecInput input;
    const auto piece = bytes.substr(0, 32768);
    input.set_stdin(piece.data(), piece.size());
    bytes.remove_prefix(piece.size());
    send(input);
  }
}

void Command::close_stdin() {
  wire::msg::ExecInput input;
  input.set_close_stdin(true);
  send(input);
}

void Command::reset() {
  machine_.out().reset(stream_);
  machine_.flush();
}

void Command::handle(const GuestMachine::Received& frame) {
  switch (frame.header.type) {
    case wire::FrameType::window:
      EXPECT_TRUE(input_credit_.grant(*wire::decode_window(frame.payload)));
      return;
    case wire::FrameType::reset:
      error_ = Error(ErrorCode::cancelled, "reset by the agent");
      has_ended_ = true;
      return;
    case wire::FrameType::response:
      if (auto result = wire::parse_response<wire::ExecStart>(frame.payload)) {
        outcome_.result = *result;
      } else {
        error_ = result.error();
      }
      has_ended_ = true;
      return;
    default: break;
  }
  EXPECT_TRUE(credit_.receive(frame.payload.size())) << "the agent sent more than its credit";
  const auto output = wire::parse<wire::msg::ExecOutput>(frame.payload);
  EXPECT_TRUE(output);
  if (output->has_started()) {
    is_started_ = true;
    outcome_.pid = output->started().pid();
  } else {
    EXPECT_TRUE(is_started_) << "output before the start";
    first_offset_ = std::min(first_offset_, output->offset());
    received_ += output->stdout().size() + output->stderr().size();
    if (keeps_output_) {
      outcome_.out += output->stdout();
      outcome_.err += output->stderr();
    }
  }
  if (!returns_credit_) return;
  if (const auto announced = credit_.consume(frame.payload.size()); announced != 0) {
    machine_.out().window(stream_, announced);
    machine_.flush();
  }
}

Result<CommandOutcome> Command::finish(Deadline deadline) {
  while (!has_ended_) {
    if (!machine_.dispatch_one(deadline)) {
      return fail(ErrorCode::timed_out, concat("no end of the command; console:\n", machine_.console()));
    }
  }
  if (error_) return std::unexpected(*error_);
  return outcome_;
}

bool Command::wait_for_output(std::string_view text) {
  const auto deadline = Deadline::after(answer_limit);
  const auto is_there = [&] { return outcome_.out.find(text) != std::string::npos; };
  while (!is_there() && !has_ended_ && machine_.dispatch_one(deadline)) {
  }
  return is_there();
}

bool Command::wait_for_start() {
  const auto deadline = Deadline::after(answer_limit);
  while (!is_started_ && !has_ended_ && machine_.dispatch_one(deadline)) {
  }
  return is_started_;
}

}  // namespace boxlite::test
