// SPDX-License-Identifier: Apache-2.0
#include "box/exec/file_copies.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/concat.h"
#include "base/real_path.h"
#include "box/call.h"
#include "box/exec/file_streams.h"
#include "tar/packer.h"
#include "tar/place.h"
#include "tar/unpacker.h"
#include "wire/method.h"

namespace boxlite::box {
namespace {

using Upload = agentlink::Stream<wire::FilesUnpack>;
using Download = agentlink::Stream<wire::FilesPack>;

CopyReport report_of(const wire::msg::CopyReport& report) {
  return {.files = report.files(), .bytes = report.bytes(), .skipped_existing = report.skipped_existing()};
}

// `total` may become known later.
Passage passage_of(const CallOptions& call, const std::uint64_t& total) {
  Passage passage{.deadline = deadline_of(call)};
  if (!call.progress) return passage;
  // Both a file's headers and its padding pass as well.
  passage.on_bytes = [progress = call.progress, &total](std::uint64_t bytes) {
    progress(
        {.stage = "copy", .detail = {}, .done = total == 0 ? bytes : std::min(bytes, total), .total = total});
  };
  return passage;
}

tar::SourceOptions source_options(const CopyOptions& options) {
  return {.follow_link = options.follow_symlinks,
          .without_parent = !options.include_parent,
          .recursive = options.recursive};
}

wire::msg::UnpackRequest unpack_request(std::string_view path, const CopyOptions& options) {
  wire::msg::UnpackRequest request;
  request.set_path(std::string(path));
  request.set_keep_existing(!options.overwrite);
  request.set_keep_owner(options.archive);
  return request;
}

wire::msg::PackRequest pack_request(std::string_view path, const CopyOptions& options) {
  wire::msg::PackRequest request;
  request.set_path(std::string(path));
  request.set_follow_link(options.follow_symlinks);
  request.set_without_parent(!options.include_parent);
  request.set_refuse_directory(!options.recursive);
  return request;
}

std::uint64_t size_of(const tar::Source& source) {
  struct stat status = {};
  const bool is_file =
      ::fstatat(source.directory.get(), source.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
      S_ISREG(status.st_mode);
  return is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// `outcome`: what of the tree could not be read, though the rest was sent.
Result<void> send_tree(Upload& stream, const tar::Source& source, const CallOptions& call,
                       Result<void>& outcome) {
  const auto total = size_of(source);
  UploadStream out(stream, passage_of(call, total));
  tar::Packer packer(out);
  BOXLITE_TRY(packer.add(source.directory.get(), source.name, source.archive_name));
  BOXLITE_TRY(packer.finish());
  outcome = packer.outcome();
  return out.finish();
}

Result<void> send_descriptor(Upload& stream, int fd, const CallOptions& call) {
  const std::uint64_t total = 0;
  const auto deadline = deadline_of(call);
  UploadStream out(stream, passage_of(call, total));
  while (true) {
    const auto room = BOXLITE_TRY(out.room());
    const auto count = BOXLITE_TRY(read_some(fd, room, deadline));
    if (count == 0) return out.finish();
    BOXLITE_TRY(out.commit(count));
  }
}

// A path of the host's, and how it is to be gone along.
struct HostPath {
  std::string path;
  tar::Symlinks symlinks = tar::Symlinks::follow;
};

// Trailing slashes and "/." mean something to `cp`, so a path that no box can bend stays as it was typed. The
// last part of a source is copied as the symlink it is, unless it is to be followed.
Result<HostPath> host_path(const std::filesystem::path& typed, bool follows_last,
                           const std::vector<std::filesystem::path>& distrusted) {
  HostPath as_typed{.path = typed.native()};
  if (distrusted.empty() || typed.empty()) return as_typed;
  std::error_code failed;
  const auto whole = std::filesystem::absolute(typed, failed);
  if (failed) return fail(syscall_error("find", typed.native(), failed.value()));
  const bool keeps_last =
      !follows_last && whole.has_filename() && whole.filename() != "." && whole.filename() != "..";
  auto real = BOXLITE_TRY(real_path(keeps_last ? whole.parent_path() : whole, distrusted));
  if (keeps_last) real /= whole.filename();
  if (!is_below(real, distrusted)) return as_typed;
  if (!whole.has_filename()) real /= "";
  if (whole.filename() == ".") real /= ".";
  return HostPath{.path = real.native(), .symlinks = tar::Symlinks::refuse};
}

// The total is known once the first header has come: for a single file.
Result<tar::UnpackReport> receive_tree(Download& stream, const HostPath& destination,
                                       const CopyOptions& options, const CallOptions& call) {
  std::uint64_t total = 0;
  DownloadStream in(stream, passage_of(call, total));
  tar::TarReader reader(in);
  auto first = BOXLITE_TRY(reader.next());
  if (!first) return fail(ErrorCode::corrupted, "the box sent an empty archive");
  if (first->kind == tar::EntryKind::file) total = first->size;
  const auto place =
      BOXLITE_TRY(tar::find_destination(destination.path, *first, std::nullopt, destination.symlinks));
  const tar::UnpackOptions unpacking{
      .overwrite = options.overwrite,
      .ownership = options.archive && ::geteuid() == 0 ? tar::Ownership::archive : tar::Ownership::caller,
      .max_bytes = options.max_bytes};
  tar::Unpacker unpacker(place.directory.get(), unpacking, place.first_part);
  BOXLITE_TRY(unpacker.unpack(reader, *std::move(first)));
  // Until the answer comes.
  while (!BOXLITE_TRY(in.next()).empty()) {
  }
  return unpacker.report();
}

Result<void> receive_descriptor(Download& stream, int fd, const CopyOptions& options,
                                const CallOptions& call) {
  const std::uint64_t total = 0;
  const auto deadline = deadline_of(call);
  DownloadStream in(stream, passage_of(call, total));
  std::uint64_t received = 0;
  for (auto bytes = BOXLITE_TRY(in.next()); !bytes.empty(); bytes = BOXLITE_TRY(in.next())) {
    received += bytes.size();
    if (options.max_bytes != 0 && received > options.max_bytes) {
      return fail(ErrorCode::resource_exhausted,
                  concat("the archive is larger than the limit of ", options.max_bytes, " bytes"));
    }
    BOXLITE_TRY(write_fully(fd, bytes, deadline));
  }
  return {};
}

}  // namespace

Result<CopyReport> copy_in(agentlink::Connection& connection, const std::filesystem::path& source,
                           std::string_view destination, const CopyOptions& options,
                           const std::vector<std::filesystem::path>& distrusted, const CallOptions& call) {
  const auto from = BOXLITE_TRY(host_path(source, options.follow_symlinks, distrusted));
  auto how = source_options(options);
  how.symlinks = from.symlinks;
  const auto found = BOXLITE_TRY(tar::find_source(from.path, how));
  auto stream = BOXLITE_TRY(connection.open<wire::FilesUnpack>(unpack_request(destination, options)));
  Result<void> outcome;
  if (auto sent = send_tree(stream, found, call, outcome); !sent)
    return fail(first_cause(stream, std::move(sent).error()));
  const auto report = BOXLITE_TRY(stream.result(deadline_of(call)));
  BOXLITE_TRY(std::move(outcome));
  return report_of(report);
}

Result<CopyReport> unpack(agentlink::Connection& connection, int archive_fd, std::string_view directory,
                          const CopyOptions& options, const CallOptions& call) {
  auto request = unpack_request(directory, options);
  request.set_is_directory(true);
  auto stream = BOXLITE_TRY(connection.open<wire::FilesUnpack>(request));
  if (auto sent = send_descriptor(stream, archive_fd, call); !sent)
    return fail(first_cause(stream, std::move(sent).error()));
  return report_of(BOXLITE_TRY(stream.result(deadline_of(call))));
}

Result<CopyReport> copy_out(agentlink::Connection& connection, std::string_view source,
                            const std::filesystem::path& destination, const CopyOptions& options,
                            const std::vector<std::filesystem::path>& distrusted, const CallOptions& call) {
  const auto place = BOXLITE_TRY(host_path(destination, true, distrusted));
  auto stream = BOXLITE_TRY(connection.open<wire::FilesPack>(pack_request(source, options)));
  const auto received = receive_tree(stream, place, options, call);
  if (!received) return fail(first_cause(stream, received.error()));
  BOXLITE_TRY(stream.result(deadline_of(call)));
  return CopyReport{.files = received->amount.files,
                    .bytes = received->amount.bytes,
                    .skipped_existing = received->skipped_existing,
                    .skipped_special = received->skipped_special};
}

Result<CopyReport> pack(agentlink::Connection& connection, std::string_view source, int archive_fd,
                        const CopyOptions& options, const CallOptions& call) {
  auto stream = BOXLITE_TRY(connection.open<wire::FilesPack>(pack_request(source, options)));
  if (auto received = receive_descriptor(stream, archive_fd, options, call); !received)
    return fail(first_cause(stream, std::move(received).error()));
  return report_of(BOXLITE_TRY(stream.result(deadline_of(call))));
}

}  // namespace boxlite::box
