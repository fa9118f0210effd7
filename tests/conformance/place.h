// SPDX-License-Identifier: Apache-2.0
// Where the conformance suite runs: each program that has the suite defines it for the backend that it is
// about.
#pragma once

#include <memory>

#include <boxlite/boxlite.hpp>

namespace boxlite::test {

class Place {
 public:
  virtual ~Place() = default;
  // An empty home's, or the one that this Place has opened before.
  virtual Runtime open() = 0;
};

std::unique_ptr<Place> make_place();

}  // namespace boxlite::test
