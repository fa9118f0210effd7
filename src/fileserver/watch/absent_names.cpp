// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/absent_names.h"

namespace boxlite::fileserver {

std::optional<Place> AbsentNames::add(const Place& place) {
  std::optional<Place> given_up;
  if (size_ >= limit_) {
    const auto directory = names_.begin();
    given_up = Place{directory->first, *directory->second.begin()};
    remove(*given_up);
  }
  if (names_[place.parent].insert(place.name).second) ++size_;
  return given_up;
}

void AbsentNames::remove(const Place& place) {
  const auto directory = names_.find(place.parent);
  if (directory == names_.end()) return;
  size_ -= directory->second.erase(place.name);
  if (directory->second.empty()) names_.erase(directory);
}

void AbsentNames::forget(std::uint64_t directory) {
  const auto found = names_.find(directory);
  if (found == names_.end()) return;
  size_ -= found->second.size();
  names_.erase(found);
}

std::vector<Place> AbsentNames::all() const {
  std::vector<Place> places;
  for (const auto& [directory, names] : names_)
    for (const auto& name : names) places.push_back({directory, name});
  return places;
}

void AbsentNames::clear() {
  names_.clear();
  size_ = 0;
}

}  // namespace boxlite::fileserver
