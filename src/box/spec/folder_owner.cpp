// SPDX-License-Identifier: Apache-2.0
#include "box/spec/folder_owner.h"

#include <charconv>

#include <unistd.h>

#include "base/concat.h"

namespace boxlite::box {
namespace {

constexpr std::uint32_t no_id = ~std::uint32_t{0};  // the kernel's "leave it as it is"

bool is_id(std::string_view text, std::uint32_t& id) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  return error == std::errc() && end == text.data() + text.size() && id != no_id;
}

}  // namespace

Result<shimlink::FolderOwner> folder_owner_of(std::string_view text) {
  if (text.empty() || text == "box") return shimlink::FolderOwner();
  shimlink::FolderOwner owner{.is_box_user = false, .uid = ::geteuid(), .gid = ::getegid()};
  if (text == "host") return owner;
  const auto colon = text.find(':');
  if (colon != std::string_view::npos && is_id(text.substr(0, colon), owner.uid) &&
      is_id(text.substr(colon + 1), owner.gid))
    return owner;
  return fail(Error(ErrorCode::invalid_argument, concat("folder_owner ", in_quotes(text), ": not known"))
                  .with_remedy("write box, host, or two numbers as in 1000:1000"));
}

}  // namespace boxlite::box
