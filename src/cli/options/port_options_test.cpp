// SPDX-License-Identifier: Apache-2.0
#include "cli/options/port_options.h"

#include <gtest/gtest.h>

namespace boxlite::cli {
namespace {

PublishedPort only(std::string_view text) {
  const auto ports = parse_publish(text);
  EXPECT_TRUE(ports && ports->size() == 1) << text;
  return ports && ports->size() == 1 ? ports->front() : PublishedPort();
}

TEST(PortOptions, AreReadAsDockerWritesThem) {
  EXPECT_EQ(only("80"), (PublishedPort{.box_port = 80}));
  EXPECT_EQ(only("8080:80"), (PublishedPort{.host_port = 8080, .box_port = 80}));
  EXPECT_EQ(only("0:80/tcp"), (PublishedPort{.box_port = 80}));
  EXPECT_EQ(only("0.0.0.0:8080:80"),
            (PublishedPort{.host_address = "0.0.0.0", .host_port = 8080, .box_port = 80}));
  EXPECT_EQ(only("127.0.0.1::53/udp"), (PublishedPort{.box_port = 53, .protocol = PortProtocol::udp}));
  EXPECT_EQ(only("[::1]:8080:80"), (PublishedPort{.host_address = "::1", .host_port = 8080, .box_port = 80}));
}

TEST(PortOptions, AreExposedAsDockerWritesThem) {
  EXPECT_EQ(*parse_expose("80"), std::vector<ExposedPort>{{.port = 80}});
  EXPECT_EQ(*parse_expose("53/udp"), (std::vector<ExposedPort>{{.port = 53, .protocol = PortProtocol::udp}}));
  EXPECT_EQ(parse_expose("8000-8010/tcp")->size(), 11u);
  for (const auto* text : {"", "0", "80:80", "x", "80/sctp", "82-80", "65536"})
    EXPECT_FALSE(parse_expose(text)) << text;
}

TEST(PortOptions, SpanRanges) {
  const auto ports = parse_publish("8000-8002:80-82");
  ASSERT_TRUE(ports);
  ASSERT_EQ(ports->size(), 3u);
  EXPECT_EQ(ports->back().host_port, 8002);
  EXPECT_EQ(ports->back().box_port, 82);
  ASSERT_EQ(parse_publish("80-82")->size(), 3u);
  EXPECT_EQ(parse_publish("80-82")->back().host_port, 0);
}

TEST(PortOptions, AreRefusedWhenTheyMeanNothing) {
  for (const auto* text :
       {"", "0", "x", "80/sctp", "65536", "8000-8002:80", "82-80", "1:2:", "-1", "1-:2", ":"}) {
    EXPECT_FALSE(parse_publish(text)) << text;
  }
}

TEST(PortOptions, AreWrittenWithBothEnds) {
  EXPECT_EQ(port_text({.host_port = 8080, .box_port = 80}), "127.0.0.1:8080->80/tcp");
  EXPECT_EQ(port_text({.host_address = "::1", .host_port = 1, .box_port = 2, .protocol = PortProtocol::udp}),
            "[::1]:1->2/udp");
}

}  // namespace
}  // namespace boxlite::cli
