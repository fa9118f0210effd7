// SPDX-License-Identifier: Apache-2.0
#include "agent/machine/disk_watch.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

#include <fcntl.h>
#include <unistd.h>

#include "agent/machine/console.h"
#include "base/concat.h"
#include "base/files.h"
#include "wire/method.h"

namespace boxlite::agent {
namespace {

// The kernel's own bound of one record.
constexpr std::size_t longest_record = 8192;
constexpr std::size_t longest_text = 512;

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

std::string read_attribute(std::string_view device, std::string_view name) {
  auto text = read_file(concat("/sys/fs/ext4/", device, "/", name), 256).value_or(std::string());
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

std::optional<DiskMessage> parse_disk_message(std::string_view record, std::string_view device) {
  // "<facility * 8 + level>,<number>,<time>,<flags>;<text>\n<more>". Programs cannot write as facility 0.
  const auto priority = leading_number(record);
  const auto semicolon = record.find(';');
  if (!priority || *priority >= 8 || semicolon == std::string_view::npos) return std::nullopt;
  auto text = record.substr(semicolon + 1);
  text = text.substr(0, text.find('\n'));
  const auto begins_with = [text](const std::string& beginning) { return text.starts_with(beginning); };
  const bool is_read_only = begins_with(concat("EXT4-fs (", device, "): Remounting filesystem read-only")) ||
                            begins_with(concat("Aborting journal on device ", device, "-"));
  const bool is_error = begins_with(concat("EXT4-fs error (device ", device, ")")) ||
                        begins_with(concat("I/O error, dev ", device, ",")) ||
                        begins_with(concat("Buffer I/O error on dev ", device, ","));
  if (!is_error && !is_read_only) return std::nullopt;
  return DiskMessage{text, is_read_only};
}

Result<void> DiskWatch::begin(std::string_view device) {
  device_ = device;
  log_.reset(::open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!log_.is_open()) return fail(syscall_error("open", "/dev/kmsg", errno));
  ::lseek(log_.get(), 0, SEEK_END);
  log_watch_ = BOXLITE_TRY(loop_.watch(log_.get(), true, false, [this](linux_::Readiness) { look(); }));
  return {};
}

std::uint64_t DiskWatch::recorded_count() const {
  return leading_number(read_attribute(device_, "errors_count")).value_or(0);
}

void DiskWatch::note_recorded() {
  look();
  const auto count = recorded_count();
  if (count == 0 || errors_.revision() != 0) return;
  errors_.set_count(count);
  errors_.set_last(concat(count, count == 1 ? " error" : " errors", " recorded by earlier runs, the last in ",
                          read_attribute(device_, "last_error_func"), ", inode ",
                          read_attribute(device_, "last_error_ino"), ", block ",
                          read_attribute(device_, "last_error_block")));
  tell();
}

void DiskWatch::look() {
  std::array<char, longest_record> record{};
  while (log_.is_open()) {
    const auto count = ::read(log_.get(), record.data(), record.size());
    // EPIPE: some were overwritten before they were read.
    if (count < 0 && (errno == EINTR || errno == EPIPE)) continue;
    if (count <= 0) return;
    const auto message =
        parse_disk_message(std::string_view(record.data(), static_cast<std::size_t>(count)), device_);
    if (message) take(*message);
  }
}

void DiskWatch::take(const DiskMessage& message) {
  // The file system counts all of them, the log has a limit; but the one is written a little later.
  errors_.set_count(std::max(errors_.count() + (message.is_read_only ? 0 : 1), recorded_count()));
  if (message.is_read_only) errors_.set_is_read_only(true);
  if (!message.is_read_only || errors_.last().empty())
    errors_.set_last(std::string(message.text.substr(0, longest_text)));
  tell();
}

void DiskWatch::tell() {
  errors_.set_revision(errors_.revision() + 1);
  for (const auto stream : waiting_) (void)wire::write_response(channel_.out(), stream, errors_);
  waiting_.clear();
  on_news_();
}

void DiskWatch::await(std::uint32_t stream, const wire::msg::AwaitDiskErrorsRequest& request) {
  if (request.known() < errors_.revision()) {
    (void)wire::write_response(channel_.out(), stream, errors_);
    return;
  }
  waiting_.insert(stream);
}

}  // namespace boxlite::agent
