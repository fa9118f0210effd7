// SPDX-License-Identifier: Apache-2.0
// How network policies and records look. Pure functions.
#pragma once

#include <string>

#include <boxlite/network.hpp>
#include <boxlite/network_log.hpp>

namespace boxlite::cli {

// A rule a line, with its newline: "allow example.com".
std::string policy_text(const NetworkSpec& network);
std::string policy_json(const NetworkSpec& network);

// One line, without a newline: "2026-11-22T10:15:00.123Z deny tcp evil.com 192.0.2.1:443 (no rule allows
// it)".
std::string network_record_text(const NetworkRecord& record);
// One line, without a newline, with the fields of docs/reference/network-log.md.
std::string network_record_json(const NetworkRecord& record);
// With milliseconds.
std::string network_time(const NetworkRecord& record);

}  // namespace boxlite::cli
