// SPDX-License-Identifier: Apache-2.0
#include <chrono>
#include <optional>

#include <gtest/gtest.h>

#include "base/files.h"
#include "place.h"
#include "support/leftovers.h"

namespace boxlite::test {
namespace {

class LocalPlace final : public Place {
 public:
  LocalPlace() : directory_(TempDir::create("/var/tmp", "boxlite-conformance-")) {}
  ~LocalPlace() override {
    (void)open();
    const auto boxes = runtime_->list();
    EXPECT_TRUE(boxes);
    for (const auto& box : *boxes) EXPECT_TRUE(runtime_->remove(box.id, {.force = true}));
    runtime_.reset();
    EXPECT_TRUE(wait_until_gone(directory_->path(), std::chrono::seconds(20)).empty()) << "left running";
    kill_processes_of(directory_->path());
  }
  Runtime open() override {
    if (!runtime_) runtime_ = *Runtime::open({.home = directory_->path() / "home"});
    return *runtime_;
  }

 private:
  Result<TempDir> directory_;
  std::optional<Runtime> runtime_;
};

}  // namespace

std::unique_ptr<Place> make_place() {
  return std::make_unique<LocalPlace>();
}

}  // namespace boxlite::test
