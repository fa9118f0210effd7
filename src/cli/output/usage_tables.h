// SPDX-License-Identifier: Apache-2.0
// How what boxes use looks. Pure functions.
#pragma once

#include <string>
#include <vector>

#include <boxlite/runtime.hpp>

namespace boxlite::cli {

// Two readings of one box; the rates are taken between them.
struct Reading {
  BoxStats earlier;
  BoxStats later;
};

std::string stats_table(const std::vector<Reading>& readings);
std::string stats_json(const std::vector<Reading>& readings);

std::string processes_table(const ProcessList& list);
std::string processes_json(const ProcessList& list);

// One line without its newline, for people and for programs.
std::string event_text(const Event& event);
std::string event_json(const Event& event);

}  // namespace boxlite::cli
