// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace boxlite {

// Something that a box may use and never sees: an API key, a password. The box has a placeholder; on its way
// to one of the hosts, in a header or the body of a request over TLS, the value takes the placeholder's
// place.
struct Secret {
  std::string name = {};  // letters, digits, "-", "_" and "."; unique in the box in any case
  // Bytes, at most 64 KiB. Kept apart from everything else of the box: a Box's info never has it.
  std::string value = {};
  // Who may get it: "api.example.com", "*.example.com", with ":PORT" for another port than 443. They must be
  // allowed by the box's network rules as well.
  std::vector<std::string> hosts = {};
  // Empty: "<BOXLITE_SECRET:name>". In the box it is in the variable BOXLITE_SECRET_NAME.
  std::string placeholder = {};
  bool operator==(const Secret&) const = default;
};

}  // namespace boxlite
