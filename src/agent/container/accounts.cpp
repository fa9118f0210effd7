// SPDX-License-Identifier: Apache-2.0
#include "agent/container/accounts.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>

#include "base/concat.h"

namespace boxlite::agent {
namespace {

constexpr std::size_t max_groups = 65536;  // the kernel's NGROUPS_MAX
constexpr std::uint32_t max_id = 0x7fffffff;

std::string_view take_until(std::string_view& text, char separator) {
  const auto piece = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), piece.size() + 1));
  return piece;
}

std::optional<std::uint32_t> to_id(std::string_view text) {
  std::uint32_t id = 0;
  const char* const end = text.data() + text.size();
  const auto [last, error] = std::from_chars(text.data(), end, id);
  if (text.empty() || error != std::errc{} || last != end || id > max_id) return std::nullopt;
  return id;
}

bool is_number(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

struct PasswdLine {
  std::string_view name;
  std::uint32_t uid;
  std::uint32_t gid;
  std::string_view home;
};

// name:password:uid:gid:gecos:home:shell
std::optional<PasswdLine> parse_passwd_line(std::string_view line) {
  std::array<std::string_view, 6> fields;
  for (auto& field : fields) field = take_until(line, ':');
  const auto uid = to_id(fields[2]);
  const auto gid = to_id(fields[3]);
  if (fields[0].empty() || !uid || !gid) return std::nullopt;
  return PasswdLine{fields[0], *uid, *gid, fields[5]};
}

std::optional<PasswdLine> find_user(std::string_view passwd, std::string_view user) {
  const auto number = user.empty() ? std::optional<std::uint32_t>(0) : to_id(user);
  while (!passwd.empty()) {
    const auto entry = parse_passwd_line(take_until(passwd, '\n'));
    if (entry && (entry->name == user || entry->uid == number)) return entry;
  }
  return std::nullopt;
}

// Calls visit(name, gid, members) for each line name:password:gid:members until it returns true.
template <typename Visit>
void for_each_group(std::string_view text, Visit visit) {
  while (!text.empty()) {
    auto line = take_until(text, '\n');
    const auto name = take_until(line, ':');
    take_until(line, ':');
    const auto gid = to_id(take_until(line, ':'));
    if (!name.empty() && gid && visit(name, *gid, take_until(line, ':'))) return;
  }
}

Result<std::uint32_t> find_group(std::string_view text, std::string_view wanted) {
  const auto number = to_id(wanted);
  std::optional<std::uint32_t> found;
  for_each_group(text, [&](std::string_view name, std::uint32_t gid, std::string_view) {
    if (name != wanted && gid != number) return false;
    found = gid;
    return true;
  });
  if (found) return *found;
  if (number) return *number;
  if (is_number(wanted))
    return fail(ErrorCode::invalid_argument, concat("group ", in_quotes(wanted), ": out of range"));
  return fail(ErrorCode::invalid_argument,
              concat("group ", in_quotes(wanted), ": no such group in the box's /etc/group"));
}

std::vector<std::uint32_t> groups_of(std::string_view text, std::string_view user) {
  std::vector<std::uint32_t> groups;
  for_each_group(text, [&](std::string_view, std::uint32_t gid, std::string_view members) {
    while (!members.empty()) {
      if (take_until(members, ',') != user) continue;
      if (std::ranges::find(groups, gid) == groups.end()) groups.push_back(gid);
      break;
    }
    return groups.size() == max_groups;
  });
  return groups;
}

}  // namespace

Result<Account> resolve_user(std::string_view user, std::string_view passwd, std::string_view group) {
  const auto user_name = take_until(user, ':');
  const auto group_name = user;
  Account account;
  const auto entry = find_user(passwd, user_name);
  if (entry) {
    account.uid = entry->uid;
    account.gid = entry->gid;
    if (!entry->home.empty()) account.home = entry->home;
  } else if (!user_name.empty()) {
    const auto uid = to_id(user_name);
    if (!uid && is_number(user_name)) {
      return fail(ErrorCode::invalid_argument, concat("user ", in_quotes(user_name), ": out of range"));
    }
    if (!uid) {
      return fail(Error(ErrorCode::invalid_argument,
                        concat("user ", in_quotes(user_name), ": no such user in the box's /etc/passwd"))
                      .with_remedy("use a user of the image, or a number"));
    }
    account.uid = *uid;
  }
  if (!group_name.empty()) {
    account.gid = BOXLITE_TRY(find_group(group, group_name));
  } else if (entry) {
    account.groups = groups_of(group, entry->name);
  }
  return account;
}

}  // namespace boxlite::agent
