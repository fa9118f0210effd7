// SPDX-License-Identifier: Apache-2.0
#include "cli/options/mount_options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "cli/output/units.h"
#include "model/enum_names.h"

namespace boxlite::cli {

namespace {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::unexpected<Ending> bad(std::string_view option, std::string_view text, std::string_view why) {
  return usage_error(fmt::format("{} \"{}\": {}", option, text, why), "boxlite run --help");
}

bool is_path(std::string_view source) {
  return source.starts_with('/') || source == "." || source == ".." || source == "~" ||
         source.starts_with("./") || source.starts_with("../") || source.starts_with("~/");
}

// Without following symlinks: what they lead to is looked at when the box starts.
Parsed<std::string> absolute(std::string_view source) {
  std::string path(source);
  if (path.starts_with('~')) {
    const char* home = std::getenv("HOME");
    if (home == nullptr) return usage_error("\"~\" needs the variable HOME");
    path = home + path.substr(1);
  }
  std::error_code failed;
  const auto whole = std::filesystem::absolute(path, failed);
  if (failed) return std::unexpected(Ending(exit_failure, fmt::format("{}: {}", path, failed.message())));
  auto text = whole.lexically_normal().native();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

// Only what is named itself is led into the box: a socket in a shared directory is a file that nobody listens
// to.
bool is_socket(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_socket(path, ignored);
}

// Docker makes a directory of this name, in whose place the service then cannot listen.
bool is_named_as_socket(std::string_view path) {
  return path.ends_with(".sock") || path.ends_with(".socket");
}

bool is_meaningless(std::string_view option) {
  constexpr std::array<std::string_view, 13> known{"rw",        "z",       "Z",      "shared",   "slave",
                                                   "private",   "rshared", "rslave", "rprivate", "consistent",
                                                   "delegated", "cached",  ""};
  for (const auto word : known) {
    if (option == word) return true;
  }
  return false;
}

std::optional<unsigned> parse_octal(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size() || value > 07777) return std::nullopt;
  return value;
}

// The keys that a tmpfs knows under either notation.
Parsed<bool> take_tmpfs_key(Mount& mount, std::string_view option, std::string_view text,
                            std::string_view key, std::string_view value) {
  if (key == "size") {
    const auto size = parse_size(value, 1);
    if (!size) return bad(option, text, "the size is not one: write 64m or 1g");
    mount.tmpfs_bytes = *size;
    return true;
  }
  if (key == "mode") {
    const auto mode = parse_octal(value);
    if (!mode) return bad(option, text, "the mode is not octal, as in 1777");
    mount.tmpfs_mode = *mode;
    return true;
  }
  return false;
}

std::optional<unsigned> parse_id(std::string_view text) {
  const auto id = parse_count(text);
  return id && *id != ~0u ? id : std::nullopt;
}

// The keys that only --tmpfs knows: flags, and the owner.
Parsed<bool> take_tmpfs_option(Mount& mount, std::string_view text, std::string_view key,
                               std::string_view value) {
  struct Flag {
    std::string_view name;
    bool Mount::* target;
    bool value;
  };
  static constexpr std::array<Flag, 8> flags{{{"ro", &Mount::read_only, true},
                                              {"rw", &Mount::read_only, false},
                                              {"exec", &Mount::tmpfs_exec, true},
                                              {"noexec", &Mount::tmpfs_exec, false},
                                              {"suid", &Mount::tmpfs_suid, true},
                                              {"nosuid", &Mount::tmpfs_suid, false},
                                              {"dev", &Mount::tmpfs_dev, true},
                                              {"nodev", &Mount::tmpfs_dev, false}}};
  for (const auto& flag : flags) {
    if (flag.name != key || !value.empty()) continue;
    mount.*flag.target = flag.value;
    return true;
  }
  if (key != "uid" && key != "gid") return false;
  const auto id = parse_id(value);
  if (!id) return bad("--tmpfs", text, fmt::format("the {} is not a number, as in 1000", key));
  (key == "uid" ? mount.tmpfs_uid : mount.tmpfs_gid) = *id;
  return true;
}

// What Docker takes and no tmpfs of a box shows: times of access, and how writes reach a disk.
bool means_nothing_to_tmpfs(std::string_view option) {
  constexpr std::array<std::string_view, 12> known{"defaults", "sync",       "async",       "dirsync",
                                                   "atime",    "noatime",    "diratime",    "nodiratime",
                                                   "relatime", "norelatime", "strictatime", "nostrictatime"};
  return std::ranges::find(known, option) != known.end();
}

// As Docker reads it. What is neither is refused: taken for "no", it would leave writable what was to be
// read-only. True: taken.
// Docker's words.
Parsed<bool> take_switch(bool& target, std::string_view text, std::string_view key, std::string_view value) {
  static constexpr std::array<std::string_view, 7> yes{"", "1", "t", "T", "true", "TRUE", "True"};
  static constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
  target = std::ranges::find(yes, value) != yes.end();
  if (target || std::ranges::find(no, value) != no.end()) return true;
  return bad("--mount", text, fmt::format("{} is true or false, not \"{}\"", key, value));
}

// What a field says about one type it cannot say about another.
Parsed<void> check_type(MountType type, std::string_view text, std::string_view key) {
  struct Prefix {
    std::string_view text;
    MountType type;
  };
  static constexpr std::array<Prefix, 3> prefixes{
      {{"tmpfs-", MountType::tmpfs}, {"volume-", MountType::volume}, {"bind-", MountType::bind}}};
  for (const auto& prefix : prefixes) {
    if (!key.starts_with(prefix.text) || type == prefix.type) continue;
    return bad("--mount", text,
               fmt::format("{} goes with type={}", key, prefix.text.substr(0, prefix.text.size() - 1)));
  }
  return {};
}

// One KEY=VALUE of --mount. Nothing: no such key.
Parsed<bool> take_mount_key(Mount& mount, std::string_view text, std::string_view key,
                            std::string_view value) {
  if (key == "type") {
    const auto type = model::parse<MountType>(value);
    if (!type)
      return bad("--mount", text, fmt::format("no type \"{}\": bind, volume, tmpfs or socket", value));
    mount.type = *type;
    return true;
  }
  if (key == "source" || key == "src") {
    mount.source = value;
    return true;
  }
  if (key == "destination" || key == "dst" || key == "target") {
    mount.target = value;
    return true;
  }
  if (key == "readonly" || key == "ro") return take_switch(mount.read_only, text, key, value);
  if (key == "volume-nocopy") return take_switch(mount.no_copy, text, key, value);
  if (key == "bind-propagation" || key == "consistency") return true;
  if (key.starts_with("tmpfs-")) return take_tmpfs_key(mount, "--mount", text, key.substr(6), value);
  return false;
}

}  // namespace

Parsed<MountWish> parse_volume_option(std::string_view text) {
  const auto parts = split(text, ':');
  if (parts.size() > 3) return bad("-v", text, "write HOST:BOX or HOST:BOX:ro");
  MountWish wish;
  auto& mount = wish.mount;
  mount.type = MountType::volume;
  if (parts.size() == 1) {
    mount.target = parts[0];
  } else {
    mount.target = parts[1];
    if (parts[0].empty()) return bad("-v", text, "the part before \":\" is empty");
    if (is_path(parts[0])) {
      auto source = absolute(parts[0]);
      if (!source) return std::unexpected(source.error());
      mount.type = is_socket(*source) ? MountType::socket : MountType::bind;
      mount.source = std::move(*source);
      wish.makes_source = true;
    } else if (parts[0].find('/') != std::string::npos) {
      return bad("-v", text,
                 fmt::format("\"{0}\" is no volume's name; for a directory write ./{0}", parts[0]));
    } else {
      mount.source = parts[0];
    }
  }
  if (!mount.target.starts_with('/')) return bad("-v", text, "the place in the box must begin with \"/\"");
  if (parts.size() < 3) return wish;
  for (const auto& option : split(parts[2], ',')) {
    if (option == "ro")
      mount.read_only = true;
    else if (option == "nocopy" && mount.type == MountType::volume)
      mount.no_copy = true;
    else if (!is_meaningless(option))
      return bad("-v", text, fmt::format("no option \"{}\"", option));
  }
  return wish;
}

Parsed<MountWish> parse_mount_option(std::string_view text) {
  MountWish wish;
  auto& mount = wish.mount;
  mount.type = MountType::volume;
  for (const auto& field : split(text, ',')) {
    const auto equals = field.find('=');
    const auto value = equals == std::string::npos ? std::string() : field.substr(equals + 1);
    const auto taken = take_mount_key(mount, text, field.substr(0, equals), value);
    if (!taken) return std::unexpected(taken.error());
    if (!*taken) return bad("--mount", text, fmt::format("no field \"{}\"", field));
  }
  for (const auto& field : split(text, ',')) {
    const auto fits = check_type(mount.type, text, field.substr(0, field.find('=')));
    if (!fits) return std::unexpected(fits.error());
  }
  if (!mount.target.starts_with('/')) return bad("--mount", text, "dst must be given and begin with \"/\"");
  if (mount.type != MountType::bind && mount.type != MountType::socket) return wish;
  if (mount.source.empty()) return bad("--mount", text, "it needs src, a path of this host");
  auto source = absolute(mount.source);
  if (!source) return std::unexpected(source.error());
  mount.source = std::move(*source);
  return wish;
}

Parsed<MountWish> parse_tmpfs_option(std::string_view text) {
  MountWish wish;
  wish.mount.type = MountType::tmpfs;
  const auto colon = text.find(':');
  wish.mount.target = text.substr(0, colon);
  if (!wish.mount.target.starts_with('/')) return bad("--tmpfs", text, "the place must begin with \"/\"");
  if (colon == std::string_view::npos) return wish;
  for (const auto& field : split(text.substr(colon + 1), ',')) {
    const auto equals = field.find('=');
    const auto key = field.substr(0, equals);
    const auto value = equals == std::string::npos ? std::string() : field.substr(equals + 1);
    const auto taken = take_tmpfs_key(wish.mount, "--tmpfs", text, key, value);
    if (!taken) return std::unexpected(taken.error());
    if (*taken) continue;
    const auto also_taken = take_tmpfs_option(wish.mount, text, key, value);
    if (!also_taken) return std::unexpected(also_taken.error());
    if (!*also_taken && !means_nothing_to_tmpfs(field))
      return bad("--tmpfs", text, fmt::format("no option \"{}\"", field));
  }
  return wish;
}

Parsed<void> provide_source(const MountWish& wish) {
  const auto& mount = wish.mount;
  if (mount.type != MountType::bind) return {};
  std::error_code failed;
  if (std::filesystem::exists(mount.source, failed)) return {};
  if (wish.makes_source && is_named_as_socket(mount.source)) {
    return std::unexpected(
        Ending(exit_failure, fmt::format("share \"{}\": there is no such socket", mount.source),
               "start the service that listens there; if it is to be a directory, make it first"));
  }
  if (wish.makes_source && std::filesystem::create_directories(mount.source, failed)) return {};
  if (!failed) failed = std::make_error_code(std::errc::no_such_file_or_directory);
  return std::unexpected(Ending(exit_failure, fmt::format("share \"{}\": {}", mount.source, failed.message()),
                                "make the directory first, or use -v, which makes it"));
}

void MountOptions::declare(OptionSet& options) {
  options.list('v', "volume", "[SOURCE:]BOX[:ro]", volumes_,
               "Share a directory, file or unix socket of the host, or a volume by its name (repeatable)");
  options.list(0, "mount", "FIELDS", mounts_,
               "type=bind|volume|tmpfs|socket,src=…,dst=…[,readonly] (repeatable)");
  options.list(0, "tmpfs", "BOX[:size=64m]", tmpfs_, "An empty directory in memory (repeatable)");
}

Parsed<std::vector<Mount>> MountOptions::mounts() const {
  std::vector<MountWish> wishes;
  const auto read = [&](const std::vector<std::string>& texts, auto* parse) -> Parsed<void> {
    for (const auto& text : texts) {
      auto wish = parse(text);
      if (!wish) return std::unexpected(wish.error());
      wishes.push_back(std::move(*wish));
    }
    return {};
  };
  if (auto done = read(volumes_, &parse_volume_option); !done) return std::unexpected(done.error());
  if (auto done = read(mounts_, &parse_mount_option); !done) return std::unexpected(done.error());
  if (auto done = read(tmpfs_, &parse_tmpfs_option); !done) return std::unexpected(done.error());
  std::vector<Mount> mounts;
  for (auto& wish : wishes) {
    if (auto provided = provide_source(wish); !provided) return std::unexpected(provided.error());
    mounts.push_back(std::move(wish.mount));
  }
  return mounts;
}

}  // namespace boxlite::cli
