// SPDX-License-Identifier: Apache-2.0
#include "freeze/descriptor_table.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/number_names.h"

namespace boxlite::freeze {
namespace {

// What a file is opened with again: the rest of what the kernel lists is its own business, or matters only
// when a file is made.
constexpr std::uint64_t lasting_flags = O_ACCMODE | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_PATH | O_CLOEXEC |
                                        O_DIRECT | O_SYNC | O_DSYNC | O_NOATIME;

std::optional<std::uint64_t> field(std::string_view text, std::string_view label, int base) {
  const auto at = text.find(label);
  if (at == std::string_view::npos) return std::nullopt;
  auto word = text.substr(at + label.size());
  word.remove_prefix(std::min(word.find_first_not_of(" \t"), word.size()));
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, base);
  if (error != std::errc()) return std::nullopt;
  return value;
}

std::unexpected<Error> cannot_be_made(int number, const std::string& target) {
  return fail(ErrorCode::unsupported,
              concat("freeze: descriptor ", number, ", ", in_quotes(target), ", cannot be made again"));
}

// A file of its own, which another process would have to share.
bool is_written_to(const Descriptor& descriptor, const std::string& target) {
  struct stat status = {};
  const bool can_write = (descriptor.flags & O_ACCMODE) != O_RDONLY;
  return can_write && ::stat(target.c_str(), &status) == 0 && S_ISREG(status.st_mode);
}

Result<NamedDescriptor> look_at(pid_t pid, int number, const std::string& target,
                                std::optional<std::string> given) {
  const auto info = BOXLITE_TRY(read_file(concat("/proc/", pid, "/fdinfo/", number)));
  NamedDescriptor result;
  result.descriptor = BOXLITE_TRY(parse_descriptor(info));
  result.descriptor.number = static_cast<std::uint64_t>(number);
  result.event_id = field(info, "eventfd-id:", 10);
  if (target == "anon_inode:[eventpoll]") {
    if (info.find("tfd:") != std::string::npos) return cannot_be_made(number, target);
    result.descriptor.kind = DescriptorKind::poll_set;
  }
  if (given) {
    result.descriptor.kind = DescriptorKind::given;
    result.name = *std::move(given);
  }
  if (result.descriptor.kind != DescriptorKind::file) return result;
  if (!target.starts_with('/') || target.ends_with(" (deleted)") || is_written_to(result.descriptor, target))
    return cannot_be_made(number, target);
  result.name = target;
  return result;
}

}  // namespace

Result<Descriptor> parse_descriptor(std::string_view fdinfo) {
  const auto flags = field(fdinfo, "flags:", 8);
  if (!flags) return fail(ErrorCode::invalid_argument, concat("fdinfo without flags: ", in_quotes(fdinfo)));
  Descriptor result{
      .number = 0, .kind = DescriptorKind::file, .flags = *flags & lasting_flags, .value = 0, .name = 0};
  if (const auto count = field(fdinfo, "eventfd-count:", 16)) {
    const bool counts_down = field(fdinfo, "eventfd-semaphore:", 10).value_or(0) != 0;
    result.kind = counts_down ? DescriptorKind::semaphore : DescriptorKind::event;
    result.value = *count;
  } else if (const auto mask = field(fdinfo, "sigmask:", 16)) {
    result.kind = DescriptorKind::signals;
    result.value = *mask;
  }
  return result;
}

Result<std::vector<NamedDescriptor>> descriptors_of(pid_t pid, const NameGiven& name_given) {
  std::vector<NamedDescriptor> all;
  const auto directory = concat("/proc/", pid, "/fd");
  for (const auto number : BOXLITE_TRY(numbers_in(directory))) {
    std::error_code failed;
    const auto target = std::filesystem::read_symlink(concat(directory, "/", number), failed).native();
    if (failed)
      return fail(ErrorCode::unavailable, concat("freeze: descriptor ", number, ": ", failed.message()));
    if (number == image_fd || number == pages_fd) return cannot_be_made(number, target);
    auto seen = BOXLITE_TRY(look_at(pid, number, target, name_given(number, target)));
    // Two that are one would become two.
    if (seen.event_id && std::ranges::find(all, seen.event_id, &NamedDescriptor::event_id) != all.end())
      return cannot_be_made(number, target);
    all.push_back(std::move(seen));
  }
  return all;
}

Result<UniqueFd> make_descriptor(const NamedDescriptor& like) {
  const auto& [number, kind, flags, value, name] = like.descriptor;
  const auto os_flags = static_cast<int>(flags);
  UniqueFd made;
  switch (kind) {
    case DescriptorKind::given:
      return fail(ErrorCode::internal, concat("thaw: nobody gives descriptor ", number));
    case DescriptorKind::file: return open_file(like.name, os_flags);
    case DescriptorKind::event:
    case DescriptorKind::semaphore: {
      const int semaphore = kind == DescriptorKind::semaphore ? EFD_SEMAPHORE : 0;
      made =
          UniqueFd(::eventfd(static_cast<unsigned>(value), (os_flags & O_NONBLOCK) | O_CLOEXEC | semaphore));
      break;
    }
    case DescriptorKind::poll_set: made = UniqueFd(::epoll_create1(EPOLL_CLOEXEC)); break;
    case DescriptorKind::signals:
      made = UniqueFd(static_cast<int>(
          ::syscall(SYS_signalfd4, -1, &value, sizeof value, (os_flags & O_NONBLOCK) | O_CLOEXEC)));
      break;
  }
  if (!made.is_open()) return fail(syscall_error("thaw", concat("descriptor ", number), errno));
  return made;
}

}  // namespace boxlite::freeze
