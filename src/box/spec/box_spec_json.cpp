// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/concat.h"
#include "base/utf8.h"
#include "box/spec/spec_json.h"
#include "model/enum_names.h"

namespace boxlite::box {
namespace {

using nlohmann::json;

constexpr std::string_view hex_digits = "0123456789abcdef";

// JSON text is UTF-8, arguments are any bytes: those that are not UTF-8 become {"hex": "…"}.
json from_bytes(const std::string& bytes) {
  if (is_utf8(bytes)) return bytes;
  std::string hex;
  for (const char character : bytes) {
    const auto byte = static_cast<unsigned char>(character);
    hex += hex_digits[byte >> 4];
    hex += hex_digits[byte & 15];
  }
  return {{"hex", hex}};
}

json from_bytes(const std::vector<std::string>& list) {
  auto array = json::array();
  for (const auto& bytes : list) array.push_back(from_bytes(bytes));
  return array;
}

json from_environment(const std::vector<EnvironmentVariable>& env) {
  auto array = json::array();
  for (const auto& [name, value] : env) array.push_back({from_bytes(name), from_bytes(value)});
  return array;
}

Result<std::string> parse_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto high = hex_digits.find(hex[i]);
    const auto low = hex_digits.find(hex[i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) {
      return fail(ErrorCode::corrupted, concat("stored box: invalid hex digits in ", in_quotes(hex)));
    }
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::unexpected<Error> wrong_type(std::string_view field) {
  return fail(ErrorCode::corrupted,
              concat("stored box: field ", in_quotes(field), " is of another type than expected"));
}

// One reader per type of field; `field` names it in errors.
Result<void> read(const json& value, std::string_view field, std::string& out) {
  if (value.is_object() && value.contains("hex") && value["hex"].is_string()) {
    out = BOXLITE_TRY(parse_hex(value["hex"].get_ref<const std::string&>()));
    return {};
  }
  if (!value.is_string()) return wrong_type(field);
  out = value.get<std::string>();
  return {};
}

Result<void> read(const json& value, std::string_view field, bool& out) {
  if (!value.is_boolean()) return wrong_type(field);
  out = value.get<bool>();
  return {};
}

Result<void> read(const json& value, std::string_view field, std::uint64_t& out) {
  if (!value.is_number_unsigned()) return wrong_type(field);
  out = value.get<std::uint64_t>();
  return {};
}

Result<void> read(const json& value, std::string_view field, unsigned& out) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX) return wrong_type(field);
  out = value.get<unsigned>();
  return {};
}

Result<void> read(const json& value, std::string_view field, std::chrono::milliseconds& out) {
  std::uint64_t count = 0;
  BOXLITE_TRY(read(value, field, count));
  if (count > INT64_MAX) return wrong_type(field);
  out = std::chrono::milliseconds(static_cast<std::int64_t>(count));
  return {};
}

Result<void> read(const json& value, std::string_view field, std::optional<std::chrono::milliseconds>& out) {
  return read(value, field, out.emplace());
}

Result<void> read(const json& value, std::string_view field, std::vector<std::string>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) BOXLITE_TRY(read(element, field, out.emplace_back()));
  return {};
}

Result<void> read(const json& value, std::string_view field, std::optional<std::vector<std::string>>& out) {
  return read(value, field, out.emplace());
}

Result<void> read(const json& value, std::string_view field, std::vector<EnvironmentVariable>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_array() || element.size() != 2) return wrong_type(field);
    auto& [name, content] = out.emplace_back();
    BOXLITE_TRY(read(element[0], field, name));
    BOXLITE_TRY(read(element[1], field, content));
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, MountType& out);
Result<void> read(const json& value, std::string_view field, std::vector<Mount>& out);
Result<void> read(const json& value, std::string_view field, std::vector<Ulimit>& out);
Result<void> read(const json& value, std::string_view field, std::uint16_t& out);
Result<void> read(const json& value, std::string_view field, std::vector<PublishedPort>& out);
Result<void> read(const json& value, std::string_view field, NetworkSpec& out);
Result<void> read(const json& value, std::string_view field, std::vector<ExposedPort>& out);
Result<void> read(const json& value, std::string_view field, std::vector<HostEntry>& out);
Result<void> read(const json& value, std::string_view field, DnsSettings& out);
Result<void> read(const json& value, std::string_view field, std::vector<std::filesystem::path>& out);
Result<void> read(const json& value, std::string_view field, std::vector<Secret>& out);
Result<void> read(const json& value, std::string_view field, std::filesystem::path& out);
Result<void> read(const json& value, std::string_view field, RestartPolicy& out) {
  if (!value.is_object() || !value.contains("mode") || !value["mode"].is_string()) return wrong_type(field);
  // A word that a newer version wrote is no restart.
  if (const auto mode = model::parse<RestartMode>(value["mode"].get_ref<const std::string&>()))
    out.mode = *mode;
  if (value.contains("max_retries")) BOXLITE_TRY(read(value["max_retries"], field, out.max_retries));
  return {};
}

json from_health(const HealthCheck& health) {
  return {{"probe", name(health.probe)},
          {"command", from_bytes(health.command)},
          {"interval_ms", static_cast<std::uint64_t>(health.interval.count())},
          {"timeout_ms", static_cast<std::uint64_t>(health.timeout.count())},
          {"start_period_ms", static_cast<std::uint64_t>(health.start_period.count())},
          {"retries", health.retries}};
}

Result<void> read(const json& value, std::string_view field, HealthCheck& out) {
  if (!value.is_object() || !value.contains("probe") || !value["probe"].is_string()) return wrong_type(field);
  if (const auto probe = model::parse<HealthCheck::Probe>(value["probe"].get_ref<const std::string&>()))
    out.probe = *probe;
  if (value.contains("command")) BOXLITE_TRY(read(value["command"], field, out.command));
  if (value.contains("interval_ms")) BOXLITE_TRY(read(value["interval_ms"], field, out.interval));
  if (value.contains("timeout_ms")) BOXLITE_TRY(read(value["timeout_ms"], field, out.timeout));
  if (value.contains("start_period_ms")) BOXLITE_TRY(read(value["start_period_ms"], field, out.start_period));
  if (value.contains("retries")) BOXLITE_TRY(read(value["retries"], field, out.retries));
  return {};
}

Result<void> read_field(const json& object, const char* field, auto& out) {
  const auto found = object.find(field);
  if (found == object.end() || found->is_null()) return {};
  return read(*found, field, out);
}

json from_mounts(const std::vector<Mount>& mounts) {
  auto array = json::array();
  for (const auto& mount : mounts) {
    array.push_back({{"type", name(mount.type)},
                     {"source", from_bytes(mount.source)},
                     {"target", from_bytes(mount.target)},
                     {"read_only", mount.read_only},
                     {"no_copy", mount.no_copy},
                     {"tmpfs_bytes", mount.tmpfs_bytes},
                     {"tmpfs_mode", mount.tmpfs_mode},
                     {"tmpfs_uid", mount.tmpfs_uid},
                     {"tmpfs_gid", mount.tmpfs_gid},
                     {"tmpfs_exec", mount.tmpfs_exec},
                     {"tmpfs_suid", mount.tmpfs_suid},
                     {"tmpfs_dev", mount.tmpfs_dev},
                     {"is_anonymous", mount.is_anonymous}});
  }
  return array;
}

json from_ulimits(const std::vector<Ulimit>& ulimits) {
  auto array = json::array();
  for (const auto& limit : ulimits)
    array.push_back({{"name", from_bytes(limit.name)}, {"soft", limit.soft}, {"hard", limit.hard}});
  return array;
}

Result<void> read(const json& value, std::string_view field, std::vector<Ulimit>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    auto& limit = out.emplace_back();
    BOXLITE_TRY(read_field(element, "name", limit.name));
    BOXLITE_TRY(read_field(element, "soft", limit.soft));
    BOXLITE_TRY(read_field(element, "hard", limit.hard));
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, MountType& out) {
  std::string text;
  BOXLITE_TRY(read(value, field, text));
  const auto type = model::parse<MountType>(text);
  if (!type) return wrong_type(field);
  out = *type;
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<Mount>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    auto& mount = out.emplace_back();
    BOXLITE_TRY(read_field(element, "type", mount.type));
    BOXLITE_TRY(read_field(element, "source", mount.source));
    BOXLITE_TRY(read_field(element, "target", mount.target));
    BOXLITE_TRY(read_field(element, "read_only", mount.read_only));
    BOXLITE_TRY(read_field(element, "no_copy", mount.no_copy));
    BOXLITE_TRY(read_field(element, "tmpfs_bytes", mount.tmpfs_bytes));
    BOXLITE_TRY(read_field(element, "tmpfs_mode", mount.tmpfs_mode));
    BOXLITE_TRY(read_field(element, "tmpfs_uid", mount.tmpfs_uid));
    BOXLITE_TRY(read_field(element, "tmpfs_gid", mount.tmpfs_gid));
    BOXLITE_TRY(read_field(element, "tmpfs_exec", mount.tmpfs_exec));
    BOXLITE_TRY(read_field(element, "tmpfs_suid", mount.tmpfs_suid));
    BOXLITE_TRY(read_field(element, "tmpfs_dev", mount.tmpfs_dev));
    BOXLITE_TRY(read_field(element, "is_anonymous", mount.is_anonymous));
  }
  return {};
}

// The values are elsewhere (box/secrets.h).
json from_secrets(const std::vector<Secret>& secrets) {
  auto array = json::array();
  for (const auto& secret : secrets) {
    array.push_back({{"name", from_bytes(secret.name)},
                     {"hosts", from_bytes(secret.hosts)},
                     {"placeholder", from_bytes(secret.placeholder)}});
  }
  return array;
}

json from_exposed(const std::vector<ExposedPort>& exposed) {
  auto array = json::array();
  for (const auto& port : exposed)
    array.push_back({{"port", port.port}, {"is_udp", port.protocol == PortProtocol::udp}});
  return array;
}

json from_hosts(const std::vector<HostEntry>& hosts) {
  auto array = json::array();
  for (const auto& host : hosts)
    array.push_back({{"name", from_bytes(host.name)}, {"address", from_bytes(host.address)}});
  return array;
}

json from_paths(const std::vector<std::filesystem::path>& paths) {
  auto array = json::array();
  for (const auto& path : paths) array.push_back(from_bytes(path.native()));
  return array;
}

json from_network(const NetworkSpec& network) {
  auto ports = json::array();
  for (const auto& port : network.ports) {
    ports.push_back({{"host_address", from_bytes(port.host_address)},
                     {"host_port", port.host_port},
                     {"box_port", port.box_port},
                     {"is_udp", port.protocol == PortProtocol::udp}});
  }
  return {{"is_enabled", network.is_enabled},
          {"allow", from_bytes(network.allow)},
          {"deny", from_bytes(network.deny)},
          {"is_asking", network.ask},
          {"ports", std::move(ports)},
          {"exposed", from_exposed(network.exposed)},
          {"publish_exposed", network.publish_exposed},
          {"hosts", from_hosts(network.hosts)},
          {"dns",
           {{"servers", from_bytes(network.dns.servers)},
            {"search", from_bytes(network.dns.search)},
            {"options", from_bytes(network.dns.options)}}},
          {"send_limit_kbit", network.send_limit_kbit},
          {"receive_limit_kbit", network.receive_limit_kbit}};
}

Result<void> read(const json& value, std::string_view field, std::uint16_t& out) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT16_MAX) return wrong_type(field);
  out = value.get<std::uint16_t>();
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<PublishedPort>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    auto& port = out.emplace_back();
    bool is_udp = false;
    BOXLITE_TRY(read_field(element, "host_address", port.host_address));
    BOXLITE_TRY(read_field(element, "host_port", port.host_port));
    BOXLITE_TRY(read_field(element, "box_port", port.box_port));
    BOXLITE_TRY(read_field(element, "is_udp", is_udp));
    port.protocol = is_udp ? PortProtocol::udp : PortProtocol::tcp;
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<Secret>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    auto& secret = out.emplace_back();
    BOXLITE_TRY(read_field(element, "name", secret.name));
    BOXLITE_TRY(read_field(element, "hosts", secret.hosts));
    BOXLITE_TRY(read_field(element, "placeholder", secret.placeholder));
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, std::filesystem::path& out) {
  std::string text;
  BOXLITE_TRY(read(value, field, text));
  out = std::move(text);
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<std::filesystem::path>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) BOXLITE_TRY(read(element, field, out.emplace_back()));
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<ExposedPort>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    bool is_udp = false;
    auto& port = out.emplace_back();
    BOXLITE_TRY(read_field(element, "port", port.port));
    BOXLITE_TRY(read_field(element, "is_udp", is_udp));
    port.protocol = is_udp ? PortProtocol::udp : PortProtocol::tcp;
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, std::vector<HostEntry>& out) {
  if (!value.is_array()) return wrong_type(field);
  for (const auto& element : value) {
    if (!element.is_object()) return wrong_type(field);
    auto& host = out.emplace_back();
    BOXLITE_TRY(read_field(element, "name", host.name));
    BOXLITE_TRY(read_field(element, "address", host.address));
  }
  return {};
}

Result<void> read(const json& value, std::string_view field, DnsSettings& out) {
  if (!value.is_object()) return wrong_type(field);
  BOXLITE_TRY(read_field(value, "servers", out.servers));
  BOXLITE_TRY(read_field(value, "search", out.search));
  return read_field(value, "options", out.options);
}

Result<void> read(const json& value, std::string_view field, NetworkSpec& out) {
  if (!value.is_object()) return wrong_type(field);
  BOXLITE_TRY(read_field(value, "is_enabled", out.is_enabled));
  BOXLITE_TRY(read_field(value, "allow", out.allow));
  BOXLITE_TRY(read_field(value, "deny", out.deny));
  BOXLITE_TRY(read_field(value, "is_asking", out.ask));
  BOXLITE_TRY(read_field(value, "ports", out.ports));
  BOXLITE_TRY(read_field(value, "exposed", out.exposed));
  BOXLITE_TRY(read_field(value, "publish_exposed", out.publish_exposed));
  BOXLITE_TRY(read_field(value, "hosts", out.hosts));
  BOXLITE_TRY(read_field(value, "dns", out.dns));
  BOXLITE_TRY(read_field(value, "send_limit_kbit", out.send_limit_kbit));
  BOXLITE_TRY(read_field(value, "receive_limit_kbit", out.receive_limit_kbit));
  return {};
}

}  // namespace

std::string to_json(const BoxSpec& spec) {
  json object = {
      {"image", from_bytes(spec.image)},
      {"name", from_bytes(spec.name)},
      {"platform", from_bytes(spec.platform)},
      {"labels", from_environment(spec.labels)},
      {"cpus", spec.cpus},
      {"memory_mib", spec.memory_mib},
      {"disk_size_gib", spec.disk_size_gib},
      {"command", from_bytes(spec.command)},
      {"env", from_environment(spec.env)},
      {"working_dir", from_bytes(spec.working_dir)},
      {"user", from_bytes(spec.user)},
      {"hostname", from_bytes(spec.hostname)},
      {"cap_add", from_bytes(spec.capabilities.add)},
      {"cap_drop", from_bytes(spec.capabilities.drop)},
      {"privileged", spec.privileged},
      {"init", spec.init},
      {"systemd", spec.systemd},
      {"folder_owner", from_bytes(spec.folder_owner)},
      {"stop_signal", from_bytes(spec.stop_signal)},
      {"ulimits", from_ulimits(spec.ulimits)},
      {"read_only", spec.read_only},
      {"shm_bytes", spec.shm_bytes},
      {"network", from_network(spec.network)},
      {"secrets", from_secrets(spec.secrets)},
      {"secret_authorities", from_bytes(spec.secret_authorities.native())},
      {"authorities", from_paths(spec.authorities)},
      {"mounts", from_mounts(spec.mounts)},
      {"detach", spec.detach},
      {"auto_remove", spec.auto_remove},
      {"use_stdin", spec.use_stdin},
      {"terminal", spec.terminal},
      {"restart", {{"mode", name(spec.restart.mode)}, {"max_retries", spec.restart.max_retries}}},
      {"health", from_health(spec.health)},
      {"auto_stop_ms", static_cast<std::uint64_t>(spec.auto_stop.count())},
      {"auto_delete_ms", static_cast<std::uint64_t>(spec.auto_delete.count())},
      {"log_file_bytes", spec.logs.file_bytes},
      {"log_files", spec.logs.files},
      {"start_timeout_ms", static_cast<std::uint64_t>(spec.start_timeout.count())},
      {"cold_start", spec.cold_start},
  };
  if (spec.stop_timeout) object["stop_timeout_ms"] = static_cast<std::uint64_t>(spec.stop_timeout->count());
  if (spec.entrypoint) object["entrypoint"] = from_bytes(*spec.entrypoint);
  return object.dump();
}

Result<BoxSpec> parse_box_spec(std::string_view text) {
  const auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) return fail(ErrorCode::corrupted, "the stored spec of a box is not JSON");
  BoxSpec spec;
  BOXLITE_TRY(read_field(object, "image", spec.image));
  BOXLITE_TRY(read_field(object, "name", spec.name));
  BOXLITE_TRY(read_field(object, "platform", spec.platform));
  BOXLITE_TRY(read_field(object, "labels", spec.labels));
  BOXLITE_TRY(read_field(object, "cpus", spec.cpus));
  BOXLITE_TRY(read_field(object, "memory_mib", spec.memory_mib));
  BOXLITE_TRY(read_field(object, "disk_size_gib", spec.disk_size_gib));
  BOXLITE_TRY(read_field(object, "entrypoint", spec.entrypoint));
  BOXLITE_TRY(read_field(object, "command", spec.command));
  BOXLITE_TRY(read_field(object, "env", spec.env));
  BOXLITE_TRY(read_field(object, "working_dir", spec.working_dir));
  BOXLITE_TRY(read_field(object, "user", spec.user));
  BOXLITE_TRY(read_field(object, "hostname", spec.hostname));
  BOXLITE_TRY(read_field(object, "cap_add", spec.capabilities.add));
  BOXLITE_TRY(read_field(object, "cap_drop", spec.capabilities.drop));
  BOXLITE_TRY(read_field(object, "privileged", spec.privileged));
  BOXLITE_TRY(read_field(object, "init", spec.init));
  BOXLITE_TRY(read_field(object, "systemd", spec.systemd));
  BOXLITE_TRY(read_field(object, "folder_owner", spec.folder_owner));
  BOXLITE_TRY(read_field(object, "stop_signal", spec.stop_signal));
  BOXLITE_TRY(read_field(object, "stop_timeout_ms", spec.stop_timeout));
  BOXLITE_TRY(read_field(object, "ulimits", spec.ulimits));
  BOXLITE_TRY(read_field(object, "read_only", spec.read_only));
  BOXLITE_TRY(read_field(object, "shm_bytes", spec.shm_bytes));
  BOXLITE_TRY(read_field(object, "network", spec.network));
  BOXLITE_TRY(read_field(object, "secrets", spec.secrets));
  BOXLITE_TRY(read_field(object, "secret_authorities", spec.secret_authorities));
  BOXLITE_TRY(read_field(object, "authorities", spec.authorities));
  BOXLITE_TRY(read_field(object, "mounts", spec.mounts));
  BOXLITE_TRY(read_field(object, "detach", spec.detach));
  BOXLITE_TRY(read_field(object, "auto_remove", spec.auto_remove));
  BOXLITE_TRY(read_field(object, "use_stdin", spec.use_stdin));
  BOXLITE_TRY(read_field(object, "terminal", spec.terminal));
  BOXLITE_TRY(read_field(object, "restart", spec.restart));
  BOXLITE_TRY(read_field(object, "health", spec.health));
  BOXLITE_TRY(read_field(object, "auto_stop_ms", spec.auto_stop));
  BOXLITE_TRY(read_field(object, "auto_delete_ms", spec.auto_delete));
  BOXLITE_TRY(read_field(object, "log_file_bytes", spec.logs.file_bytes));
  BOXLITE_TRY(read_field(object, "log_files", spec.logs.files));
  BOXLITE_TRY(read_field(object, "start_timeout_ms", spec.start_timeout));
  BOXLITE_TRY(read_field(object, "cold_start", spec.cold_start));
  return spec;
}

}  // namespace boxlite::box
