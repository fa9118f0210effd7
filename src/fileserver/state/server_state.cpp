// SPDX-License-Identifier: Apache-2.0
#include "fileserver/state/server_state.h"

#include <bit>
#include <cstring>
#include <type_traits>
#include <utility>

#include "fuse/messages.h"

namespace boxlite::fileserver {
namespace {

static_assert(std::endian::native == std::endian::little);

constexpr std::string_view magic = "BLFS";
constexpr std::string_view end_mark = "SFLB";
constexpr std::uint32_t format_version = 3;

class Writer {
 public:
  static constexpr bool is_reading = false;

  template <typename T>
    requires std::is_arithmetic_v<T>
  void number(T value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(const std::string& value) {
    number(static_cast<std::uint32_t>(value.size()));
    bytes_ += value;
  }
  template <typename T, typename Each>
  void list(const std::vector<T>& values, const Each& each) {
    number(static_cast<std::uint32_t>(values.size()));
    for (const auto& value : values) each(value);
  }
  template <typename T, typename Each>
  void optional(const std::optional<T>& value, const Each& each) {
    number(value.has_value());
    if (value) each(*value);
  }
  void mark(std::string_view value) { bytes_ += value; }
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

// After the first thing that is not there, everything is empty.
class Reader {
 public:
  static constexpr bool is_reading = true;

  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  template <typename T>
    requires std::is_arithmetic_v<T>
  void number(T& value) {
    if (bytes_.size() < sizeof value) return fail();
    if constexpr (std::is_same_v<T, bool>) {
      if (static_cast<unsigned char>(bytes_.front()) > 1) return fail();
      value = bytes_.front() != 0;
    } else {
      std::memcpy(&value, bytes_.data(), sizeof value);
    }
    bytes_.remove_prefix(sizeof value);
  }
  void text(std::string& value) {
    std::uint32_t size = 0;
    number(size);
    if (size > bytes_.size()) return fail();
    value = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
  }
  // Grows with what is there: the number of entries is not believed.
  template <typename T, typename Each>
  void list(std::vector<T>& values, const Each& each) {
    std::uint32_t count = 0;
    number(count);
    for (; count > 0 && !has_failed_; --count) each(values.emplace_back());
  }
  template <typename T, typename Each>
  void optional(std::optional<T>& value, const Each& each) {
    bool is_there = false;
    number(is_there);
    if (is_there) each(*(value = T{}));
  }
  void mark(std::string_view value) {
    if (!bytes_.starts_with(value)) return fail();
    bytes_.remove_prefix(value.size());
  }
  bool is_whole() const { return !has_failed_ && bytes_.empty(); }

 private:
  void fail() {
    has_failed_ = true;
    bytes_ = {};
  }
  std::string_view bytes_;
  bool has_failed_ = false;
};

// Each walks over the fields of something, to write or to read it.
template <typename Archive, typename T>
void walk_identity(Archive& archive, T& identity) {
  archive.number(identity.mount);
  archive.number(identity.device);
  archive.number(identity.inode);
  archive.number(identity.born_seconds);
  archive.number(identity.born_nanoseconds);
}

template <typename Archive, typename T>
void walk_version(Archive& archive, T& version) {
  archive.number(version.size);
  archive.number(version.modified_seconds);
  archive.number(version.modified_nanoseconds);
  archive.number(version.changed_seconds);
  archive.number(version.changed_nanoseconds);
}

template <typename Archive, typename T>
void walk_place(Archive& archive, T& place) {
  archive.number(place.parent);
  archive.text(place.name);
}

template <typename Archive, typename T>
void walk_range(Archive& archive, T& range) {
  archive.number(range.is_exclusive);
  archive.number(range.start);
  archive.number(range.end);
}

template <typename Archive, typename T>
void walk_node(Archive& archive, T& node) {
  archive.number(node.id);
  walk_identity(archive, node.identity);
  archive.number(node.type);
  archive.text(node.folder);
  archive.list(node.places, [&](auto& place) { walk_place(archive, place); });
  archive.number(node.lookups);
  archive.number(node.is_watched);
  walk_version(archive, node.known);
  walk_version(archive, node.shown);
  archive.number(node.last_notice);
}

template <typename Archive, typename T>
void walk_file(Archive& archive, T& file) {
  archive.number(file.id);
  archive.number(file.node);
  archive.number(file.flags);
  archive.optional(file.whole_lock, [&](auto& range) { walk_range(archive, range); });
  walk_version(archive, file.version);
}

template <typename Archive, typename T>
void walk_owner(Archive& archive, T& owner) {
  archive.number(owner.node);
  archive.number(owner.owner);
  archive.number(owner.file);
  archive.list(owner.ranges, [&](auto& range) { walk_range(archive, range); });
}

template <typename Archive, typename T>
void walk_echo(Archive& archive, T& echo) {
  if constexpr (Archive::is_reading) {
    std::uint32_t change = 0;
    archive.number(change);
    echo.change = static_cast<wire::HostChange>(change);
  } else {
    archive.number(std::to_underlying(echo.change));
  }
  walk_place(archive, echo.place);
  walk_place(archive, echo.target);
}

template <typename Archive, typename T>
void walk(Archive& archive, T& state) {
  archive.number(state.minor);
  archive.number(state.features);
  archive.number(state.box_uid);
  archive.number(state.box_gid);
  archive.number(state.repeater);
  archive.optional(state.told, [&](auto& echo) { walk_echo(archive, echo); });
  archive.number(state.notices_sent);
  archive.number(state.notices_done);
  archive.number(state.notices_acknowledged);
  archive.number(state.last_node);
  archive.number(state.last_file);
  archive.list(state.devices, [&](auto& device) { archive.number(device); });
  archive.list(state.absent, [&](auto& place) { walk_place(archive, place); });
  archive.list(state.nodes, [&](auto& node) { walk_node(archive, node); });
  archive.list(state.files, [&](auto& file) { walk_file(archive, file); });
  archive.list(state.owners, [&](auto& owner) { walk_owner(archive, owner); });
  archive.list(state.waiting, [&](auto& message) { archive.text(message); });
  archive.text(state.unread);
}

}  // namespace

std::string encode(const ServerState& state) {
  Writer writer;
  writer.mark(magic);
  writer.number(format_version);
  walk(writer, state);
  writer.mark(end_mark);
  return writer.take();
}

Result<ServerState> decode_server_state(std::string_view bytes) {
  Reader reader(bytes);
  ServerState state;
  std::uint32_t version = 0;
  reader.mark(magic);
  reader.number(version);
  if (version != format_version)
    return fail(ErrorCode::corrupted, "file server: what is to be taken up is no state of this version");
  walk(reader, state);
  reader.mark(end_mark);
  if (!reader.is_whole())
    return fail(ErrorCode::corrupted, "file server: the state that is to be taken up is not whole");
  if (state.unread.size() > fuse::max_message)
    return fail(ErrorCode::corrupted, "file server: the state that is to be taken up has too long a message");
  return state;
}

}  // namespace boxlite::fileserver
