// SPDX-License-Identifier: Apache-2.0
#include "box/life/spec_edit.h"

#include "box/life/status.h"
#include "box/spec/spec_json.h"

namespace boxlite::box {

SpecEdit::SpecEdit(Surroundings& around, linux_::FileLock held, store::BoxRecord record, BoxSpec spec)
    : around_(around), held_(std::move(held)), record_(std::move(record)), spec_(std::move(spec)) {}

bool SpecEdit::is_running() const {
  return record_.state.status == name(BoxStatus::running);
}

Result<void> SpecEdit::record() {
  return around_.boxes().set_spec(record_.id, to_json(spec_));
}

void SpecEdit::take_back() {
  (void)around_.boxes().set_spec(record_.id, record_.spec);
}

}  // namespace boxlite::box
