// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "net/inspection/http/http1_head.h"
#include "net/inspection/http/placeholder_filter.h"
#include "netpolicy/secret.h"

namespace boxlite::net {

// What to put in place of what on connections to one host. The secrets outlive it. Immutable.
class Substitution {
 public:
  // A shorter value would be found where it is not meant: it is not masked.
  static constexpr std::size_t shortest_masked_value = 8;

  explicit Substitution(const std::vector<const netpolicy::Secret*>& secrets);
  Substitution(const Substitution&) = delete;
  Substitution& operator=(const Substitution&) = delete;

  // Of a request's header; true when it was changed. Looks into Basic credentials, which are Base64. A value
  // with control characters cannot stand in a header and is not put there. resource_exhausted when it would
  // be too long.
  Result<bool> substitute(std::string_view field_name, std::string& value) const;
  // Of a request's body.
  const Replacements& to_server() const { return to_server_; }

  // Of a response's header or trailers, names and values: a server that repeats what it was sent shall not
  // tell the box. Pseudo-fields stay. True when something was changed.
  bool mask(HttpFields& fields) const;
  bool mask(std::string& text) const;
  // Of fields as they are written, each with its line end.
  std::string mask_lines(std::string_view lines) const;
  // Of a response's body; for one whose length has been announced already, masks of the same length.
  const Replacements& to_guest() const { return to_guest_; }
  const Replacements& to_guest_in_place() const { return to_guest_in_place_; }

 private:
  Result<bool> replace(std::string& text) const;

  bool mask_name(std::string& name) const;

  std::vector<std::string> masks_;
  std::vector<std::string> name_masks_;
  Replacements fields_to_server_;
  Replacements to_server_;
  Replacements to_guest_;
  Replacements to_guest_in_place_;
  Replacements to_guest_in_names_;
};

}  // namespace boxlite::net
