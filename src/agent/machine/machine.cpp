// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/machine.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>
#include <unistd.h>

#include "agent/machine/console.h"
#include "base/concat.h"
#include "base/files.h"
#include "base/time.h"

namespace boxlite::agent {
namespace {

// The way from the host takes some of it.
constexpr std::int64_t smallest_step_ns = 50'000'000;
// Who compares times of this machine shall not see them go back for less.
constexpr std::int64_t smallest_step_back_ns = 1'000'000'000;

void pause_ms(long milliseconds) {
  const timespec pause{0, milliseconds * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000u + static_cast<std::uint64_t>(time.tv_nsec);
}

Result<void> mount_at(const char* type, const char* target, unsigned long flags, const char* options) {
  if (::mount(type, target, type, flags, options) == 0 || errno == EBUSY) return {};
  return fail(syscall_error("mount", concat(type, " on ", target), errno));
}

bool write_setting(const char* path, std::string_view value) {
  const UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  return file.is_open() && ::write(file.get(), value.data(), value.size()) >= 0;
}

void apply_settings() {
  // Kernel settings that are not there (not built in) are no loss.
  static constexpr std::array<std::pair<const char*, std::string_view>, 6> settings{{
      // Docker's defaults: a container may ping, and bind low ports without being root.
      {"/proc/sys/net/ipv4/ping_group_range", "0 2147483647"},
      {"/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"},
      {"/proc/sys/vm/max_map_count", "1048576"},
      {"/proc/sys/fs/inotify/max_user_watches", "524288"},
      {"/proc/sys/kernel/kptr_restrict", "1"},
      {"/proc/sys/kernel/pid_max", "4194304"},
  }};
  for (const auto& [path, value] : settings) write_setting(path, value);
  const rlimit files{1u << 20, 1u << 20};
  ::setrlimit(RLIMIT_NOFILE, &files);
}

Result<void> write_identity_file(const char* name, const std::string& content) {
  const auto path = concat(identity_dir, "/", name);
  // Cut behind what is written, if at all: that is less work than to begin with nothing.
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
  if (!file.is_open()) return fail(syscall_error("open", path, errno));
  BOXLITE_TRY(write_all(file.get(), content, path));
  struct stat status = {};
  const auto size = static_cast<off_t>(content.size());
  if (::fstat(file.get(), &status) == 0 && status.st_size == size) return {};
  if (::ftruncate(file.get(), size) != 0) return fail(syscall_error("truncate", path, errno));
  return {};
}

// A name or an address that would become a line of its own is a mistake or an attack.
Result<void> check_word(std::string_view word) {
  const bool is_bad = word.empty() || word.size() > 255 ||
                      std::ranges::any_of(word, [](char c) { return c <= ' ' || c == 0x7f || c == '#'; });
  if (is_bad)
    return fail(ErrorCode::invalid_argument,
                concat("configure: not a host name or address: ", in_quotes(word)));
  return {};
}

Result<std::string> hosts_file(const wire::msg::ConfigureRequest& request) {
  std::string text =
      "127.0.0.1\tlocalhost\n"
      "::1\tlocalhost ip6-localhost ip6-loopback\n"
      "fe00::\tip6-localnet\nff00::\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n";
  bool names_itself = false;
  for (const auto& entry : request.hosts()) {
    BOXLITE_TRY(check_word(entry.address()));
    text += entry.address();
    char separator = '\t';
    for (const auto& name : entry.names()) {
      BOXLITE_TRY(check_word(name));
      text += concat(separator, name);
      separator = ' ';
      names_itself = names_itself || name == request.hostname();
    }
    text += '\n';
  }
  if (!names_itself && !request.hostname().empty()) text += concat("127.0.1.1\t", request.hostname(), "\n");
  return text;
}

Result<std::string> resolver_file(const wire::msg::ConfigureRequest& request) {
  std::string text;
  for (const auto& server : request.nameservers()) {
    BOXLITE_TRY(check_word(server));
    text += concat("nameserver ", server, "\n");
  }
  const auto add_line = [&text](std::string_view key, const auto& words) -> Result<void> {
    if (words.empty()) return {};
    text += key;
    for (const auto& word : words) {
      BOXLITE_TRY(check_word(word));
      text += concat(" ", word);
    }
    text += '\n';
    return {};
  };
  BOXLITE_TRY(add_line("search", request.search()));
  BOXLITE_TRY(add_line("options", request.resolver_options()));
  return text;
}

Result<void> set_wall_clock(std::uint64_t unix_ns) {
  const timespec time{static_cast<time_t>(unix_ns / 1'000'000'000u),
                      static_cast<long>(unix_ns % 1'000'000'000u)};
  if (::clock_settime(CLOCK_REALTIME, &time) != 0) return fail(syscall_error("clock_settime", "", errno));
  return {};
}

// What the kernel makes up for at half a millisecond a second.
Result<void> slew_wall_clock(std::int64_t offset_ns) {
  timex change{};
  change.modes = ADJ_OFFSET_SINGLESHOT;
  change.offset = offset_ns / 1000;
  if (::adjtimex(&change) < 0) return fail(syscall_error("adjtimex", "", errno));
  return {};
}

// Credited, and used at once: a machine restored from a snapshot must not repeat another's random numbers.
Result<void> add_entropy(const std::string& bytes) {
  const UniqueFd random(::open("/dev/random", O_RDWR | O_CLOEXEC));
  if (!random.is_open()) return fail(syscall_error("open", "/dev/random", errno));
  const auto size = std::min(bytes.size(), std::size_t{4096});
  std::vector<int> pool(2 + (size + sizeof(int) - 1) / sizeof(int));
  pool[0] = static_cast<int>(size * 8);
  pool[1] = static_cast<int>(size);
  std::memcpy(&pool[2], bytes.data(), size);
  if (::ioctl(random.get(), RNDADDENTROPY, pool.data()) != 0)
    return fail(syscall_error("ioctl", "RNDADDENTROPY", errno));
  if (::ioctl(random.get(), RNDRESEEDCRNG) != 0) return fail(syscall_error("ioctl", "RNDRESEEDCRNG", errno));
  return {};
}

// What the generator's driver has fetched ahead, other boxes of the same saved machine have as well: two
// buffers of 64 bytes.
void forget_fetched_random_numbers() {
  const UniqueFd generator(::open("/dev/hwrng", O_RDONLY | O_CLOEXEC));
  if (!generator.is_open()) return;
  char bytes[128];
  for (std::size_t done = 0; done < sizeof bytes;) {
    const auto count = ::read(generator.get(), bytes, sizeof bytes - done);
    if (count <= 0) return;
    done += static_cast<std::size_t>(count);
  }
}

}  // namespace

std::uint64_t boottime_ns() {
  return clock_ns(CLOCK_BOOTTIME);
}

std::uint64_t wall_clock_ns() {
  return clock_ns(CLOCK_REALTIME);
}

Result<void> set_up_machine() {
  ::umask(0);
  constexpr unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  BOXLITE_TRY(mount_at("proc", "/proc", plain, nullptr));
  BOXLITE_TRY(mount_at("sysfs", "/sys", plain, nullptr));
  BOXLITE_TRY(mount_at("devtmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755"));
  BOXLITE_TRY(mount_at("tmpfs", "/run", MS_NOSUID | MS_NODEV, "mode=0755,size=16m"));
  // Everything that waits for the kernel's grace periods (mounts, cgroups, namespaces) is several times
  // faster.
  write_setting("/sys/kernel/rcu_expedited", "1");
  BOXLITE_TRY(mount_at("cgroup2", "/sys/fs/cgroup", plain, nullptr));
  for (const char* directory : {"/run/box", identity_dir, root_dir}) ::mkdir(directory, 0755);
  ::umask(022);
  apply_settings();
  return {};
}

std::string find_port(std::string_view wanted) {
  constexpr const char* ports = "/sys/class/virtio-ports";
  DIR* const directory = ::opendir(ports);
  if (directory == nullptr) return {};
  std::string found;
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name(entry->d_name);
    if (!name.starts_with("vport")) continue;
    const auto label = read_file(concat(ports, "/", name, "/name"), 256);
    if (label && *label == concat(wanted, "\n")) found = concat("/dev/", name);
  }
  ::closedir(directory);
  return found;
}

Result<UniqueFd> open_port(std::string_view wanted, int flags) {
  for (const auto deadline = Deadline::after(std::chrono::seconds(5)); !deadline.has_passed(); pause_ms(1)) {
    if (const auto found = find_port(wanted); !found.empty()) return open_file(found, O_RDWR | flags);
  }
  return fail(ErrorCode::not_found,
              concat("find the virtio-serial port ", in_quotes(wanted), ": there is none"));
}

Result<void> configure_machine(const wire::msg::ConfigureRequest& request) {
  const auto hosts = BOXLITE_TRY(hosts_file(request));
  const auto resolver = BOXLITE_TRY(resolver_file(request));
  if (!request.hostname().empty()) BOXLITE_TRY(check_word(request.hostname()));
  if (request.wall_clock_ns() != 0) BOXLITE_TRY(set_wall_clock(request.wall_clock_ns()));
  forget_fetched_random_numbers();
  if (!request.entropy().empty()) BOXLITE_TRY(add_entropy(request.entropy()));
  if (!request.hostname().empty() &&
      ::sethostname(request.hostname().data(), request.hostname().size()) != 0) {
    return fail(syscall_error("sethostname", request.hostname(), errno));
  }
  BOXLITE_TRY(write_identity_file("hosts", hosts));
  BOXLITE_TRY(write_identity_file("hostname", request.hostname() + "\n"));
  return write_identity_file("resolv.conf", resolver);
}

Result<std::int64_t> follow_clock(std::uint64_t host_unix_ns) {
  const auto behind = static_cast<std::int64_t>(host_unix_ns - wall_clock_ns());
  const bool is_small = behind < smallest_step_ns && behind > -smallest_step_back_ns;
  if (is_small) {
    BOXLITE_TRY(slew_wall_clock(behind));
    return behind;
  }
  // What was still being made up for is in the difference.
  BOXLITE_TRY(slew_wall_clock(0));
  BOXLITE_TRY(set_wall_clock(host_unix_ns));
  return behind;
}

void power_off() {
  ::sync();
  drop_power();
}

void drop_power() {
  ::reboot(RB_AUTOBOOT);
  while (true) ::pause();
}

}  // namespace boxlite::agent
