// SPDX-License-Identifier: Apache-2.0
#include "cli/tunnel/tunnel_options.h"

#include <string>

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

TEST(ParseTunnelTarget, TakesAPortOrAPath) {
  EXPECT_EQ(parse_tunnel_target("5432"), (TunnelTarget{.port = 5432}));
  EXPECT_EQ(parse_tunnel_target("65535"), (TunnelTarget{.port = 65535}));
  EXPECT_EQ(parse_tunnel_target("/run/a b:1.sock"), (TunnelTarget{.unix_path = "/run/a b:1.sock"}));
}

TEST(ParseTunnelTarget, RefusesWhatIsNotInTheBoxItself) {
  for (const std::string_view text :
       {"", "0", "65536", "-1", "80 ", "+80", "0x50", "localhost:80", "127.0.0.1:80", "run/db", "80/tcp"}) {
    const auto target = parse_tunnel_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().exit_code, exit_usage);
    EXPECT_FALSE(target.error().remedy.empty());
  }
}

TEST(ParseListenAddress, TakesPortsAddressesAndPaths) {
  for (const auto& [text, full] :
       {std::pair("8080", "127.0.0.1:8080"), std::pair("0", "127.0.0.1:0"),
        std::pair("0.0.0.0:22", "0.0.0.0:22"), std::pair("[::1]:8080", "[::1]:8080"),
        std::pair("/tmp/a:b.sock", "/tmp/a:b.sock")}) {
    const auto place = parse_listen_address(text);
    ASSERT_TRUE(place) << text;
    EXPECT_EQ(listen_text(*place), full);
  }
}

TEST(ParseListenAddress, RefusesTheRest) {
  for (const std::string_view text :
       {"", ":", "x", "65536", "localhost:80", ":80", "::1:80", "[::1]", "[::1:80", "[127.0.0.1]:80",
        "1.2.3:80", "tmp/x", "127.0.0.1:", "[]:1"}) {
    const auto place = parse_listen_address(text);
    ASSERT_FALSE(place) << text;
    EXPECT_EQ(place.error().exit_code, exit_usage);
  }
}

}  // namespace
}  // namespace boxlite::cli
