// SPDX-License-Identifier: Apache-2.0
#include "fileserver/request.h"

#include <climits>

#include "base/result.h"
#include "fileserver/nodes/node_table.h"

namespace boxlite::fileserver {

Answer<Request> Request::parse(std::string_view message) {
  fuse_in_header header;
  if (message.size() < sizeof header) return refuse(EINVAL);
  std::memcpy(&header, message.data(), sizeof header);
  if (header.len != message.size()) return refuse(EINVAL);
  return Request(header, message);
}

Answer<std::string> Request::take_text(std::size_t limit) {
  const auto end = rest_.find('\0');
  if (end == std::string_view::npos) return refuse(EINVAL);
  if (end > limit) return refuse(ENAMETOOLONG);
  std::string text(rest_.substr(0, end));
  rest_.remove_prefix(end + 1);
  return text;
}

Answer<std::string> Request::take_name() {
  auto name = BOXLITE_TRY(take_text(NAME_MAX));
  if (!is_name(name)) return refuse(EINVAL);
  return name;
}

Answer<std::string_view> Request::take_bytes(std::size_t size) {
  if (rest_.size() < size) return refuse(EINVAL);
  const auto bytes = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return bytes;
}

}  // namespace boxlite::fileserver
