// SPDX-License-Identifier: Apache-2.0
// links: net linux base
// The first bytes of a TLS client: what is whole stays what it is with more behind it, and no shorter part of
// it says anything else.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/inspection/tls/client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  using namespace boxlite::net;
  const std::string_view bytes(reinterpret_cast<const char*>(input), size);
  const auto whole = parse_client_hello(bytes);
  if (whole && *whole && (*whole)->server_name.size() > 255) std::abort();
  if (whole && !bytes.empty() && !may_be_tls(bytes)) std::abort();
  for (std::size_t part = 0; part < size; part += 1 + size / 16) {
    const auto early = parse_client_hello(bytes.substr(0, part));
    if (!early && whole) std::abort();
    if (early && *early && (!whole || !*whole || (*whole)->server_name != (*early)->server_name))
      std::abort();
  }
  return 0;
}
