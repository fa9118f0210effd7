// SPDX-License-Identifier: Apache-2.0
#include "vmm/qemu/spawn_thread.h"

#include <utility>

#include "linux/open_broker.h"
#include "linux/write_confinement.h"

namespace boxlite::vmm::qemu {
namespace {

Result<SpawnThread::Started> give_up_rights_and_spawn(const linux_::ChildSpec& spec,
                                                      const std::vector<std::filesystem::path>& writable) {
  BOXLITE_TRY(linux_::confine_writes(writable));
  auto openings = BOXLITE_TRY(linux_::intercept_openings());
  return SpawnThread::Started{BOXLITE_TRY(linux_::ChildProcess::spawn(spec)), std::move(openings)};
}

}  // namespace

Result<std::pair<SpawnThread, SpawnThread::Started>> SpawnThread::spawn(
    const linux_::ChildSpec& spec, const std::vector<std::filesystem::path>& writable) {
  SpawnThread self;
  std::promise<Result<Started>> outcome;
  auto started = outcome.get_future();
  self.thread_ =
      std::thread([&spec, &writable, outcome = std::move(outcome), end = self.end_.get_future()]() mutable {
        outcome.set_value(give_up_rights_and_spawn(spec, writable));
        end.wait();
      });
  auto result = BOXLITE_TRY(started.get());
  return std::pair(std::move(self), std::move(result));
}

SpawnThread::~SpawnThread() {
  if (!thread_.joinable()) return;
  end_.set_value();
  thread_.join();
}

}  // namespace boxlite::vmm::qemu
