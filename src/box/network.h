// SPDX-License-Identifier: Apache-2.0
// What a box's network is for its guest and its shim.
#pragma once

#include <vector>

#include <boxlite/network.hpp>

#include "base/result.h"
#include "vmm/network_config.h"
#include "wire/messages.h"

namespace boxlite::box {

// invalid_argument.
Result<void> check(const NetworkSpec& network);
Result<void> check(const PublishedPort& port);

// `last`: the ports as they were when the box ran last.
vmm::NetworkConfig network_config(const NetworkSpec& network, const std::vector<vmm::PortMapping>& last);
void configure_network(const NetworkSpec& network, wire::msg::ConfigureRequest& request);

vmm::PortMapping to_mapping(const PublishedPort& port);
PublishedPort to_published(const vmm::PortMapping& port);
// Whether the second can be what became of the first.
bool is_same_port(const PublishedPort& wanted, const PublishedPort& actual);

}  // namespace boxlite::box
