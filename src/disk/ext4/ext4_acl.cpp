// SPDX-License-Identifier: Apache-2.0
// Both forms are a version and entries {tag, permissions, id}. On the disk the version is 1 and entries that
// name nobody have no id.
#include "disk/ext4/ext4_acl.h"

#include <cstdint>
#include <cstring>
#include <initializer_list>

namespace boxlite::disk {
namespace {

constexpr std::uint32_t attribute_version = 2;
constexpr std::uint32_t disk_version = 1;
constexpr std::size_t entry_bytes = 8;
constexpr std::uint32_t nobody = UINT32_MAX;

enum Tag : std::uint16_t { owner = 1, user = 2, owning_group = 4, group = 8, mask = 16, others = 32 };

template <typename Number>
Number number_at(std::string_view bytes, std::size_t at) {
  Number number = 0;
  std::memcpy(&number, bytes.data() + at, sizeof number);
  return number;
}

template <typename Number>
void append(std::string& bytes, Number number) {
  bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
}

// Entries come in the order of the tags; owner, owning group and others exactly once, the mask at most once,
// and where somebody is named it must be there.
class Order {
 public:
  bool accepts(std::uint16_t tag) {
    const bool is_named = tag == user || tag == group;
    const bool is_known = is_named || tag == owner || tag == owning_group || tag == mask || tag == others;
    if (!is_known || tag < last_ || (tag == last_ && !is_named)) return false;
    last_ = tag;
    seen_ = static_cast<std::uint16_t>(seen_ | tag);
    return true;
  }
  bool is_complete() const {
    constexpr std::uint16_t always = owner | owning_group | others;
    const bool needs_mask = (seen_ & (user | group)) != 0;
    return (seen_ & always) == always && (!needs_mask || (seen_ & mask) != 0);
  }

 private:
  std::uint16_t last_ = 0;
  std::uint16_t seen_ = 0;
};

std::unexpected<Error> invalid(std::string_view why) {
  return fail(ErrorCode::corrupted, std::string(why));
}

}  // namespace

Result<std::string> acl_on_disk(std::string_view attribute) {
  constexpr std::size_t head = sizeof attribute_version;
  if (attribute.size() < head || (attribute.size() - head) % entry_bytes != 0 ||
      number_at<std::uint32_t>(attribute, 0) != attribute_version) {
    return invalid("it is no access control list of version 2");
  }
  if (attribute.size() == head) return std::string();
  std::string disk;
  append(disk, disk_version);
  Order order;
  for (std::size_t at = head; at < attribute.size(); at += entry_bytes) {
    const auto tag = number_at<std::uint16_t>(attribute, at);
    const auto permissions = number_at<std::uint16_t>(attribute, at + 2);
    const auto id = number_at<std::uint32_t>(attribute, at + 4);
    const bool is_named = tag == user || tag == group;
    if (!order.accepts(tag) || permissions > 7 || (is_named && id == nobody))
      return invalid("its entries are not those of an access control list");
    append(disk, tag);
    append(disk, permissions);
    if (is_named) append(disk, id);
  }
  if (!order.is_complete()) return invalid("entries of its access control list are missing");
  return disk;
}

}  // namespace boxlite::disk
