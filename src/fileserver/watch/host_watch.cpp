// SPDX-License-Identifier: Apache-2.0
#include "fileserver/watch/host_watch.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/inotify.h>
#include <sys/stat.h>

#include "fileserver/session.h"

namespace boxlite::fileserver {
namespace {

constexpr std::uint32_t name_events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;
// More cannot be under way: the kernel would have said that it lost some.
constexpr std::size_t max_expected = 16'384;
// So many reads take what the host's kernel keeps for us.
constexpr int whole_queue = 128;

wire::HostChange creation_of(const Answer<Found>& found) {
  if (!found) return wire::HostChange::created;
  if (S_ISDIR(found->status.stx_mode)) return wire::HostChange::created_directory;
  return S_ISLNK(found->status.stx_mode) ? wire::HostChange::created_symlink : wire::HostChange::created;
}

}  // namespace

HostWatch::HostWatch(linux_::EventLoop& loop, Session& session, HostEvents events, std::size_t limit)
    : session_(session), events_(std::move(events)), limit_(limit) {
  listen(loop, events_.fanotify());
  listen(loop, events_.inotify());
  const auto root = session_.tree().directory(session_.nodes().root());
  if (root) root_ = events_.add_directory(*root);
}

void HostWatch::hear() {
  hear_changes();
  hear_detachment();
}

void HostWatch::hear_all() {
  const auto told = [this](const Event& event) { handle(event); };
  for (int reads = 0; reads < whole_queue && events_.hear(told); ++reads) continue;
  forget_moved_from();
  hear_detachment();
}

void HostWatch::hear_detachment() {
  // Where the user has as many descriptors that listen as may be, nothing is heard of it.
  if (std::exchange(has_detachment_, false) || root_ < 0) session_.let_go_of_detached();
}

void HostWatch::listen(linux_::EventLoop& loop, int fd) {
  if (fd < 0) return;
  auto watch = loop.watch(fd, true, false, [this](linux_::Readiness) { hear(); });
  if (watch) ready_.push_back(std::move(*watch));
}

void HostWatch::cover(Node& node, const SharedFd& fd) {
  // Folders have names of their own for ever, and the guest looks none up before it is there.
  if (node.watch >= 0 || node.id == FUSE_ROOT_ID || watched_.size() >= limit_) return;
  node.watch = node.type == S_IFDIR ? events_.add_directory(fd) : events_.add_file(*fd);
  if (node.watch >= 0) watched_[node.watch].nodes.push_back(node.id);
}

void HostWatch::forget(const Node& node) {
  const auto found = watched_.find(node.watch);
  if (found == watched_.end()) return;
  std::erase(found->second.nodes, node.id);
  if (!found->second.nodes.empty()) return;
  events_.remove(node.watch);
  watched_.erase(found);
}

void HostWatch::expect(const Node& directory, std::string_view name, std::uint32_t event) {
  const auto found = watched_.find(directory.watch);
  if (found == watched_.end()) return;
  if (is_certain_of(directory) && found->second.nodes.size() == 1) return;
  if (expected_.size() >= max_expected) expected_.pop_front();
  expected_.push_back({directory.watch, directory.id, std::string(name), event});
}

void HostWatch::hear_changes() {
  const auto told = [this](const Event& event) { handle(event); };
  // All of it, as what is asked for next is answered with what is so by now; but requests of the guest have
  // their turn however much the host does.
  for (int reads = 0; reads < 16 && events_.hear(told); ++reads) continue;
  forget_moved_from();
}

std::uint64_t HostWatch::take_expected(const Event& event) {
  const auto found = std::ranges::find_if(expected_, [&](const Expected& expected) {
    return expected.watch == event.watch && expected.event == (event.mask & name_events) &&
           expected.name == event.name;
  });
  if (found == expected_.end()) return 0;
  const auto directory = found->directory;
  expected_.erase(found);
  return directory;
}

void HostWatch::handle(const Event& event) {
  if ((event.mask & IN_Q_OVERFLOW) != 0 || event.watch == root_) has_detachment_ = true;
  if ((event.mask & IN_Q_OVERFLOW) != 0) return lose_track();
  const auto found = watched_.find(event.watch);
  if (found == watched_.end()) return;
  const auto nodes = found->second.nodes;
  if ((event.mask & IN_IGNORED) != 0) {
    for (const auto id : nodes)
      if (auto* node = session_.nodes().find(id); node != nullptr) node->watch = -1;
    watched_.erase(found);
    return;
  }
  // Only by another name of the same directory it would be news.
  if (event.actor == HostEvents::Actor::this_process && nodes.size() == 1) return;
  const auto own = (event.mask & name_events) != 0 ? take_expected(event) : 0;
  for (const auto id : nodes) {
    auto* node = session_.nodes().find(id);
    if (node == nullptr || id == own) continue;
    if (event.name.empty()) {
      node->type == S_IFDIR ? on_directory_itself(*node) : (void)refresh(*node);
    } else {
      on_name(*node, event);
    }
  }
}

void HostWatch::on_name(Node& directory, const Event& event) {
  if ((event.mask & IN_MOVED_TO) == 0) forget_moved_from();
  if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0) return on_new_name(directory, event);
  if ((event.mask & (IN_DELETE | IN_MOVED_FROM)) != 0) return on_lost_name(directory, event);
  on_content(directory, event);
}

// What is repeated comes first: what the guest knows by then is as it was before.
void HostWatch::on_new_name(Node& directory, const Event& event) {
  const Place place{directory.id, event.name};
  if (moved_from_ && moved_from_->cookie == event.cookie) {
    const auto from = std::exchange(moved_from_, std::nullopt)->place;
    repeat({wire::HostChange::moved, from, place});
    follow(from, place);
    forget_name(from);
  } else {
    forget_moved_from();
    const auto there = session_.tree().directory(directory);
    const auto found =
        there ? session_.tree().look((*there)->get(), event.name) : Answer<Found>(refuse(ENOENT));
    repeat({creation_of(found), place});
    if (found && !S_ISDIR(found->status.stx_mode) && found->status.stx_nlink > 1)
      if (auto* node = session_.nodes().find(identity_of(found->status)); node != nullptr)
        session_.invalidate(*node);
  }
  forget_name(place);
}

// The guest repeats nothing where nobody watches, and forgets in any case.
void HostWatch::forget_name(const Place& place) {
  if (auto* directory = session_.nodes().find(place.parent); directory != nullptr)
    session_.invalidate(*directory);
  lose_name(place, session_.invalidate_entry(place.parent, place.name));
}

void HostWatch::check_name(const Place& place) {
  const auto* file = session_.nodes().child(place.parent, place.name);
  if (file == nullptr || !session_.is_at(*file, place)) forget_name(place);
}

// What is open, or has other names, has one less, and may be where nothing is heard of it. Directories have
// the names by which the guest's watchers will be told.
void HostWatch::lose_name(const Place& place, std::uint64_t notice) {
  auto* file = session_.nodes().child(place.parent, place.name);
  if (file == nullptr || session_.is_at(*file, place)) return;
  if (file->type == S_IFDIR) return session_.invalidate(*file);
  file->lost_name = notice;
  if (NodeTable::is_open(*file))
    hear_of_open(*file);
  else if (file->places.size() > 1)
    session_.invalidate(*file);
  session_.nodes().remove(place);
}

void HostWatch::hear_of_open(Node& file) {
  if (const auto found = HostTree::find_open(file)) cover(file, found->fd);
  session_.invalidate(file);
}

// The file that the host has moved, as far as it is still there.
void HostWatch::follow(const Place& from, const Place& to) {
  auto* file = session_.nodes().child(from.parent, from.name);
  if (file == nullptr || file->type == S_IFDIR || !session_.is_at(*file, to)) return;
  // What it has replaced has lost a name.
  lose_name(to, session_.invalidate_entry(to.parent, to.name));
  session_.nodes().move(from, to);
  if (NodeTable::is_open(*file)) session_.invalidate(*file);
}

void HostWatch::on_lost_name(Node& directory, const Event& event) {
  const Place place{directory.id, event.name};
  const bool is_directory = (event.mask & IN_ISDIR) != 0;
  if ((event.mask & IN_MOVED_FROM) != 0) {
    moved_from_ = MovedFrom{place, event.cookie, is_directory};
    return;
  }
  repeat({is_directory ? wire::HostChange::deleted_directory : wire::HostChange::deleted, place});
  forget_name(place);
}

// The file went to a directory without a watch.
void HostWatch::forget_moved_from() {
  if (!moved_from_) return;
  const auto from = *std::exchange(moved_from_, std::nullopt);
  repeat({from.is_directory ? wire::HostChange::deleted_directory : wire::HostChange::deleted, from.place});
  forget_name(from.place);
}

// As the guest knows the name, and what lies there by now: until a move is repeated they may differ.
std::set<Node*> HostWatch::files_at(Node& directory, const std::string& name) {
  std::set<Node*> files{session_.nodes().child(directory.id, name)};
  if (const auto there = session_.tree().directory(directory))
    if (const auto found = session_.tree().look((*there)->get(), name))
      files.insert(session_.nodes().find(identity_of(found->status)));
  files.erase(nullptr);
  return files;
}

void HostWatch::on_content(Node& directory, const Event& event) {
  const auto files = files_at(directory, event.name);
  bool is_news = files.empty();
  for (auto* file : files) is_news = take_note(*file, event) || is_news;
  if (!is_news) return;
  const auto change = (event.mask & IN_CLOSE_WRITE) != 0 ? wire::HostChange::written
                      : (event.mask & IN_MODIFY) != 0    ? wire::HostChange::modified
                                                         : wire::HostChange::attributes_changed;
  repeat({change, {directory.id, event.name}});
}

bool HostWatch::take_note(Node& file, const Event& event) {
  const bool is_closing = (event.mask & IN_CLOSE_WRITE) != 0;
  if (event.actor == HostEvents::Actor::another) {
    if (!is_closing) session_.invalidate(file);
    return true;
  }
  // What the guest itself did is as it was told.
  const bool is_news = refresh(file);
  if (is_closing) return file.copy.host_closes(is_news);
  if (is_news) file.copy.host_writes();
  return is_news;
}

void HostWatch::on_directory_itself(Node& directory) {
  session_.invalidate(directory);
  if (directory.places.empty() || directory.places.back().parent == FUSE_ROOT_ID) return;
  repeat({wire::HostChange::attributes_changed, directory.places.back()});
}

bool HostWatch::refresh(Node& node) {
  const auto found = session_.tree().find(node);
  if (found && !node.copy.is_behind(version_of(found->status))) return false;
  session_.invalidate(node);
  return true;
}

void HostWatch::repeat(Echoes::Echo echo) {
  if (!session_.echoes().add(std::move(echo))) lose_track();
}

void HostWatch::lose_track() {
  expected_.clear();
  session_.recheck();
  std::deque<std::uint64_t> directories;
  for (const auto& [watch, watched] : watched_)
    directories.insert(directories.end(), watched.nodes.begin(), watched.nodes.end());
  session_.echoes().look_into(std::move(directories));
}

}  // namespace boxlite::fileserver
