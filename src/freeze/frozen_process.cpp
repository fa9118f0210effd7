// SPDX-License-Identifier: Apache-2.0
#include "freeze/frozen_process.h"

#include <algorithm>
#include <cerrno>
#include <span>

#include <fcntl.h>
#include <sys/stat.h>

#include "base/concat.h"
#include "base/files.h"
#include "freeze/file_identity.h"
#include "freeze/process_image.h"

namespace boxlite::freeze {

namespace {

// The tables point into `text`.
Result<const ImageHeader*> parse(const std::filesystem::path& image, const std::string& text,
                                 ImageTables& tables) {
  const auto* const bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (find_tables(bytes, text.size(), tables)) return reinterpret_cast<const ImageHeader*>(bytes);
  return fail(ErrorCode::corrupted, concat(in_quotes(image.native()), " is no image of a process"));
}

// A socket that waits where the process expects it not to would make all of it wait.
Result<void> wait_like(const Descriptor& descriptor, int fd) {
  struct stat status = {};
  if (::fstat(fd, &status) != 0)
    return fail(syscall_error("fstat", concat("descriptor ", descriptor.number), errno));
  if (!S_ISSOCK(status.st_mode)) return {};
  const int flags = ::fcntl(fd, F_GETFL);
  const auto wanted = (flags & ~O_NONBLOCK) | (static_cast<int>(descriptor.flags) & O_NONBLOCK);
  if (flags < 0 || ::fcntl(fd, F_SETFL, wanted) != 0)
    return fail(syscall_error("fcntl", concat("descriptor ", descriptor.number), errno));
  return {};
}

}  // namespace

Result<bool> FrozenProcess::has_its_files(const std::filesystem::path& image) {
  const auto text = BOXLITE_TRY(read_file(image));
  ImageTables tables;
  const auto& header = *BOXLITE_TRY(parse(image, text, tables));
  for (const auto& file : std::span(tables.files, header.file_count)) {
    if (file.name >= tables.text_bytes) return false;
    const auto now = identify_file(tables.texts + file.name);
    if (!now || *now != file.identity) return false;
  }
  return true;
}

Result<FrozenProcess> FrozenProcess::open(const std::filesystem::path& image,
                                          const std::filesystem::path& pages) {
  FrozenProcess self;
  self.image_ = BOXLITE_TRY(open_file(image, O_RDONLY | O_NOFOLLOW));
  self.pages_ = BOXLITE_TRY(open_file(pages, O_RDONLY | O_NOFOLLOW));
  const auto text = BOXLITE_TRY(read_file(image));
  ImageTables tables;
  const auto& header = *BOXLITE_TRY(parse(image, text, tables));
  for (const auto& descriptor : std::span(tables.descriptors, header.descriptor_count)) {
    if (descriptor.name >= tables.text_bytes || descriptor.number >= image_fd)
      return fail(ErrorCode::corrupted,
                  concat(in_quotes(image.native()), ": descriptor ", descriptor.number));
    self.descriptors_.push_back(
        {.descriptor = descriptor, .name = tables.texts + descriptor.name, .event_id = {}});
  }
  return self;
}

Result<std::vector<UniqueFd>> FrozenProcess::add_descriptors(std::vector<linux_::FdMapping>& fds,
                                                             const Give& give) const {
  std::vector<UniqueFd> made;
  for (const auto& named : descriptors_) {
    const auto number = static_cast<int>(named.descriptor.number);
    const auto there = std::ranges::find(fds, number, &linux_::FdMapping::target_fd);
    if (there != fds.end()) {
      BOXLITE_TRY(wait_like(named.descriptor, there->source_fd));
      continue;
    }
    const bool is_given = named.descriptor.kind == DescriptorKind::given;
    made.push_back(is_given ? BOXLITE_TRY(give(named.name, static_cast<int>(named.descriptor.flags)))
                            : BOXLITE_TRY(make_descriptor(named)));
    fds.push_back({made.back().get(), number});
  }
  fds.push_back({image_.get(), image_fd});
  fds.push_back({pages_.get(), pages_fd});
  return made;
}

}  // namespace boxlite::freeze
