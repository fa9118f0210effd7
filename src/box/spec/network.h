// SPDX-License-Identifier: Apache-2.0
// What a box's network is for its guest and its shim.
#pragma once

#include <vector>

#include <boxlite/network.hpp>

#include "base/result.h"
#include "shimlink/network_config.h"
#include "wire/messages.h"

namespace boxlite::box {

// invalid_argument.
Result<void> check(const NetworkSpec& network);
Result<void> check(const PublishedPort& port);

// What is to be published: the spec's ports, and, when it says so, one for each port that it or the image
// ("80/tcp") exposes. invalid_argument when these are more than a box can publish.
Result<std::vector<PublishedPort>> wanted_ports(const NetworkSpec& network,
                                                const std::vector<std::string>& exposed_by_image);
// `last`: the ports as they were when the box ran last.
shimlink::NetworkConfig network_config(const NetworkSpec& network, const std::vector<PublishedPort>& ports,
                                       const std::vector<shimlink::PortMapping>& last);
void configure_network(const NetworkSpec& network, wire::msg::ConfigureRequest& request);

shimlink::PortMapping to_mapping(const PublishedPort& port);
PublishedPort to_published(const shimlink::PortMapping& port);
// Whether the second can be what became of the first.
bool is_same_port(const PublishedPort& wanted, const PublishedPort& actual);

}  // namespace boxlite::box
