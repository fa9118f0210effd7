// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/files.h"
#include "json/fields.h"
#include "linux/files/file_copy.h"
#include "linux/process/process_identity.h"
#include "oci/digest.h"
#include "snapshot/template_manifest.h"

namespace boxlite::snapshot {
namespace {

using nlohmann::json;

Result<void> add_stretch(oci::Hasher& hasher, int fd, off_t begin, off_t end, const std::string& name) {
  hasher.update(concat(begin, "-", end, ":"));
  std::string buffer(256u << 10, '\0');
  while (begin < end) {
    const auto wanted = std::min(static_cast<std::size_t>(end - begin), buffer.size());
    const auto count = ::pread(fd, buffer.data(), wanted, begin);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return fail(syscall_error("read", name, count < 0 ? errno : EIO));
    hasher.update(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    begin += count;
  }
  return {};
}

Result<struct stat> status_of(const std::filesystem::path& file) {
  struct stat status = {};
  if (::stat(file.c_str(), &status) != 0) return fail(syscall_error("stat", file.native(), errno));
  return status;
}

}  // namespace

Result<std::string> digest_of_data(const std::filesystem::path& file) {
  const auto source = BOXLITE_TRY(open_file(file, O_RDONLY | O_NOFOLLOW));
  const auto size = ::lseek(source.get(), 0, SEEK_END);
  if (size < 0) return fail(syscall_error("seek", file.native(), errno));
  oci::Hasher hasher;
  hasher.update(concat(size, ";"));
  BOXLITE_TRY(linux_::for_each_stretch(source.get(), file, [&](off_t begin, off_t end) {
    return add_stretch(hasher, source.get(), begin, end, file.native());
  }));
  return hasher.finish().str();
}

std::string to_json(const TemplateManifest& manifest) {
  const json object = {{"memory", manifest.memory_digest},
                       {"state", manifest.state_digest},
                       {"disk", manifest.disk_digest},
                       {"pages", manifest.pages_digest}};
  return object.dump(2) + "\n";
}

Result<TemplateManifest> parse_template_manifest(std::string_view text) {
  const auto object = json::parse(text, nullptr, false);
  json_::Fields fields(object, "template manifest");
  TemplateManifest manifest;
  manifest.memory_digest = BOXLITE_TRY(fields.text("memory"));
  manifest.state_digest = BOXLITE_TRY(fields.text("state"));
  manifest.disk_digest = BOXLITE_TRY(fields.text("disk"));
  manifest.pages_digest = BOXLITE_TRY(fields.text("pages"));
  return manifest;
}

Result<std::string> fingerprint(const engine::Snapshot& files) {
  auto text = BOXLITE_TRY(linux_::boot_id());
  for (const auto* const file : {&files.memory, &files.state, &files.disk, &files.pages}) {
    if (file->empty()) continue;
    const auto status = BOXLITE_TRY(status_of(*file));
    text += concat(" ", status.st_dev, ":", status.st_ino, ":", status.st_size, ":", status.st_mtim.tv_sec,
                   ".", status.st_mtim.tv_nsec, ":", status.st_ctim.tv_sec, ".", status.st_ctim.tv_nsec);
  }
  return text;
}

}  // namespace boxlite::snapshot
