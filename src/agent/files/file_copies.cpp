// SPDX-License-Identifier: Apache-2.0
// The methods of the service Files that move much: archives and the content of files.
#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/files/file_worker.h"
#include "base/concat.h"
#include "tar/packer.h"
#include "tar/place.h"
#include "tar/unpacker.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

Result<UniqueFd> open_regular(const std::string& path, int flags, unsigned mode = 0) {
  UniqueFd file(::open(path.c_str(), flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode));
  if (!file.is_open()) return fail(syscall_error("open", path, errno));
  struct stat status = {};
  if (::fstat(file.get(), &status) != 0) return fail(syscall_error("stat", path, errno));
  if (S_ISREG(status.st_mode)) return file;
  return fail(ErrorCode::invalid_argument, concat("open ", in_quotes(path), ": it is no regular file"));
}

Result<void> unpack_into(const tar::Destination& destination, const tar::UnpackOptions& options,
                         tar::TarReader& reader, tar::TarEntry first, tar::UnpackReport& report) {
  tar::Unpacker unpacker(destination.directory.get(), options, destination.first_part);
  BOXLITE_TRY(unpacker.unpack(reader, std::move(first)));
  report = unpacker.report();
  return {};
}

// What the client still sends after the archive's end: padding, mostly.
Result<void> drain(InputBytes& input) {
  while (!BOXLITE_TRY(input.next()).empty()) {
  }
  return {};
}

}  // namespace

Result<void> pack_files(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::PackRequest>(call.payload));
  const auto source = BOXLITE_TRY(tar::find_source(
      request.path(), {request.follow_link(), request.without_parent(), !request.refuse_directory()}));
  OutputFrames out(call.end);
  tar::Packer packer(out);
  BOXLITE_TRY(packer.add(source.directory.get(), source.name, source.archive_name));
  BOXLITE_TRY(packer.finish());
  out.flush();
  BOXLITE_TRY(packer.outcome());
  wire::msg::CopyReport report;
  report.set_files(packer.amount().files);
  report.set_bytes(packer.amount().bytes);
  send_result(call.end, report);
  return {};
}

Result<void> unpack_files(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::UnpackRequest>(call.payload));
  InputBytes input(call.end);
  tar::TarReader reader(input);
  // A destination that cannot be is told before anything is sent.
  if (request.is_directory()) BOXLITE_TRY(tar::find_directory(request.path()));
  auto first = BOXLITE_TRY(reader.next());
  tar::UnpackOptions options;
  options.overwrite = !request.keep_existing();
  options.ownership = request.keep_owner() ? tar::Ownership::archive : tar::Ownership::fixed;
  options.uid = call.owner.uid;
  options.gid = call.owner.gid;
  options.allow_special = true;
  options.umask_is_clear = true;
  tar::UnpackReport report;
  if (first) {
    const tar::Owner owner{call.owner.uid, call.owner.gid};
    const auto destination =
        BOXLITE_TRY(request.is_directory() ? tar::find_directory(request.path())
                                           : tar::find_destination(request.path(), *first, owner));
    BOXLITE_TRY(unpack_into(destination, options, reader, *std::move(first), report));
  }
  BOXLITE_TRY(drain(input));
  wire::msg::CopyReport answer;
  answer.set_files(report.amount.files);
  answer.set_bytes(report.amount.bytes);
  answer.set_skipped_existing(report.skipped_existing);
  send_result(call.end, answer);
  return {};
}

Result<void> read_file_content(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::ReadFileRequest>(call.payload));
  BOXLITE_TRY(check_path(request.path()));
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
  if (request.offset() > largest) return fail(ErrorCode::invalid_argument, "the offset is too large");
  const auto file = BOXLITE_TRY(open_regular(request.path(), O_RDONLY));
  OutputFrames out(call.end);
  auto at = request.offset();
  const auto end = request.length() == 0 ? largest : at + std::min(request.length(), largest - at);
  while (at < end) {
    const auto room = BOXLITE_TRY(out.room());
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(room.size(), end - at));
    const auto count = ::pread(file.get(), room.data(), wanted, static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("read", request.path(), errno));
    if (count == 0) break;
    at += static_cast<std::uint64_t>(count);
    BOXLITE_TRY(out.commit(static_cast<std::size_t>(count)));
  }
  out.flush();
  send_result(call.end, BOXLITE_TRY(describe_file(file.get(), "", true)));
  return {};
}

Result<void> write_file_content(FileCall& call) {
  const auto request = BOXLITE_TRY(wire::parse<wire::msg::WriteFileRequest>(call.payload));
  BOXLITE_TRY(check_path(request.path()));
  if (request.offset() > static_cast<std::uint64_t>(std::numeric_limits<off_t>::max()))
    return fail(ErrorCode::invalid_argument, "the offset is too large");
  int flags = O_WRONLY;
  if (request.append()) flags |= O_APPEND;
  if (!request.append() && !request.keep_content()) flags |= O_TRUNC;
  const unsigned mode = request.mode() == 0 ? 0644 : request.mode() & 07777;
  UniqueFd file;
  if (!request.no_create()) {
    // Alone first: only what we make is given to the box's user.
    file.reset(::open(request.path().c_str(), flags | O_CREAT | O_EXCL | O_CLOEXEC, mode));
    if (!file.is_open() && (errno != EEXIST || request.exclusive()))
      return fail(syscall_error("create", request.path(), errno));
    if (file.is_open() && ::fchown(file.get(), call.owner.uid, call.owner.gid) != 0)
      return fail(syscall_error("change owner of", request.path(), errno));
  }
  if (!file.is_open()) file = BOXLITE_TRY(open_regular(request.path(), flags));
  auto at = request.offset();
  InputBytes input(call.end);
  for (auto bytes = BOXLITE_TRY(input.next()); !bytes.empty();) {
    const auto count = request.append()
                           ? ::write(file.get(), bytes.data(), bytes.size())
                           : ::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(at));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail(syscall_error("write", request.path(), errno));
    at += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    if (bytes.empty()) bytes = BOXLITE_TRY(input.next());
  }
  send_result(call.end, BOXLITE_TRY(describe_file(file.get(), "", true)));
  return {};
}

}  // namespace boxlite::agent
