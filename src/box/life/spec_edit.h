// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include <boxlite/box_spec.hpp>

#include "base/result.h"
#include "box/surroundings.h"
#include "linux/files/file_lock.h"

namespace boxlite::box {

// A change of the spec of a box that exists already (Lifecycle::edit). Holds the box's lock for as long as it
// lives, so that nobody else's change is undone. Nothing is written before record().
class SpecEdit {
 public:
  SpecEdit(Surroundings& around, linux_::FileLock held, store::BoxRecord record, BoxSpec spec);

  BoxSpec& spec() { return spec_; }
  // There is a machine that has to be told.
  bool is_running() const;
  Result<void> record();
  // What record() has written is as it was before.
  void take_back();

 private:
  Surroundings& around_;
  linux_::FileLock held_;
  store::BoxRecord record_;
  BoxSpec spec_;
};

}  // namespace boxlite::box
