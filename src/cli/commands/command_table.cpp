// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/command_table.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "cli/options/suggestion.h"

namespace boxlite::cli {

namespace {

using enum CommandGroup;

constexpr std::array commands{
    Command{"run", "", boxes, true, "Create a box, start it and run a command in it", run_command},
    Command{"create", "", boxes, true, "Create a box, to be started later", create_command},
    Command{"exec", "", boxes, true, "Run a command in a box", exec_command},
    Command{"logs", "", boxes, true, "Print what a box's main command has written", logs_command},
    Command{"attach", "", boxes, true, "Come back to a command that runs in a box", attach_command},
    Command{"execs", "", boxes, true, "List the commands of a box", executions_command},
    Command{"kill", "", boxes, true, "Send a signal to a command in a box", kill_command},
    Command{"wait", "", boxes, true, "Wait for the end of commands and print their exit codes", wait_command},
    Command{"cp", "", boxes, true, "Copy files between a box and this host", copy_command},
    Command{"file ls", "", boxes, true, "List a directory of a box", file_list_command},
    Command{"file stat", "", boxes, false, "Show what is known of a file of a box", file_stat_command},
    Command{"file cat", "", boxes, true, "Print a file of a box", file_cat_command},
    Command{"file write", "", boxes, true, "Write standard input to a file of a box", file_write_command},
    Command{"file mkdir", "", boxes, false, "Make directories in a box", file_mkdir_command},
    Command{"file rm", "", boxes, false, "Remove files of a box", file_remove_command},
    Command{"file mv", "", boxes, false, "Rename a file of a box", file_move_command},
    Command{"file watch", "", boxes, true, "Tell of changes to files of a box", file_watch_command},
    Command{"ls", "list,ps", boxes, true, "List boxes", list_command},
    Command{"start", "", boxes, true, "Start boxes", start_command},
    Command{"stop", "", boxes, true, "Stop boxes; their disks are kept", stop_command},
    Command{"restart", "", boxes, true, "Stop boxes and start them again", restart_command},
    Command{"pause", "", boxes, true, "Let boxes stand still, with all that runs in them", pause_command},
    Command{"unpause", "", boxes, true, "Let paused boxes go on", unpause_command},
    Command{"rename", "", boxes, true, "Give a box another name", rename_command},
    Command{"rm", "remove", boxes, true, "Remove boxes with their disks", remove_command},
    Command{"prune", "", boxes, true, "Remove all boxes that do not run any more", prune_command},
    Command{"inspect", "", boxes, true, "Show all about boxes, as JSON", inspect_command},
    Command{"port", "", networks, true, "List the ports of this host that lead into a box", port_command},
    Command{"network publish", "", networks, true, "Let a port of this host lead into a box",
            network_publish_command},
    Command{"network capture", "", networks, true, "Write the packets of a box to a pcap file",
            network_capture_command},
    Command{"network tunnel", "", networks, true, "Connect to a port or unix socket of a box",
            network_tunnel_command},
    Command{"network unpublish", "", networks, true, "Take it away again", network_unpublish_command},
    Command{"network policy", "", networks, true, "Show or change what a box may reach",
            network_policy_command},
    Command{"network log", "", networks, true, "Show what a box reached and what it was refused",
            network_log_command},
    Command{"pull", "image pull", images, true, "Download an image from a registry", pull_command},
    Command{"load", "image load", images, true, "Load images from an archive or an OCI layout", load_command},
    Command{"images", "image ls,image list", images, true, "List images", images_command},
    Command{"rmi", "image rm,image remove", images, true, "Remove images", image_remove_command},
    Command{"image inspect", "", images, true, "Show all about images, as JSON", image_inspect_command},
    Command{"image prune", "", images, true, "Remove what no image and no box needs", image_prune_command},
    Command{"image export-rootfs", "", images, true, "Write an image's files into a directory",
            image_export_command},
    Command{"stats", "", boxes, true, "Show what boxes use", stats_command},
    Command{"top", "", boxes, true, "List the processes in a box", top_command},
    Command{"events", "", system, true, "Show what happens", events_command},
    Command{"metrics", "", system, true, "Print counters for Prometheus", metrics_command},
    Command{"volume create", "", volumes, true, "Make a volume", volume_create_command},
    Command{"volume ls", "volume list", volumes, true, "List volumes", volume_list_command},
    Command{"volume inspect", "", volumes, true, "Show all about volumes, as JSON", volume_inspect_command},
    Command{"volume rm", "volume remove", volumes, true, "Remove volumes", volume_remove_command},
    Command{"volume prune", "", volumes, true, "Remove volumes that no box needs", volume_prune_command},
    Command{"volume attach", "", volumes, true, "Mount a folder or volume in a box, running or not",
            volume_attach_command},
    Command{"volume detach", "", volumes, true, "Unmount it again", volume_detach_command},
    Command{"warm", "", system, true, "Prepare what boxes of an image start from", warm_command},
    Command{"snapshot ls", "snapshot list,machine ls,machine list", system, true,
            "List the snapshots that boxes start from", snapshot_list_command},
    Command{"snapshot prune", "machine prune", system, true, "Remove all snapshots", snapshot_prune_command},
    Command{"system df", "", system, true, "Show what takes how much of the disk", disk_usage_command},
    Command{"gc", "", system, true, "Remove what belongs to nobody", gc_command},
    Command{"info", "", system, true, "Show this installation and its host", info_command},
    Command{"doctor", "", system, true, "Check whether boxes can run here, and say what to change",
            doctor_command},
    Command{"version", "", system, true, "Show the version", version_command},
    Command{"completion", "", system, false, "Print the completion script of a shell", completion_command},
};

struct GroupTitle {
  CommandGroup group;
  std::string_view title;
};
constexpr std::array group_titles{GroupTitle{boxes, "Boxes"}, GroupTitle{networks, "Network"},
                                  GroupTitle{images, "Images"}, GroupTitle{volumes, "Folders and volumes"},
                                  GroupTitle{system, "System"}};

// What people type because Docker has it.
constexpr std::array<std::string_view, 14> later{"build",  "commit", "diff",   "export", "history",
                                                 "import", "login",  "logout", "push",   "save",
                                                 "search", "serve",  "tag",    "update"};

std::vector<std::string_view> names_of(const Command& command) {
  std::vector<std::string_view> names{command.name};
  for (auto rest = command.aliases; !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    names.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return names;
}

constexpr std::array<std::string_view, 7> families{"file",     "image",  "machine", "network",
                                                   "snapshot", "system", "volume"};

bool is_family(std::string_view word) {
  return std::ranges::count(families, word) > 0;
}

// "image" for "image ls", else nothing.
std::string_view family_of(std::string_view name) {
  const auto space = name.find(' ');
  return space == std::string_view::npos ? std::string_view() : name.substr(0, space);
}

std::string family_help(std::string_view family) {
  std::string text = fmt::format("Usage:  boxlite {} COMMAND\n\nCommands:\n", family);
  for (const auto& command : commands) {
    for (const auto name : names_of(command)) {
      if (family_of(name) != family) continue;
      text += fmt::format("  {:<14}  {}\n", name.substr(family.size() + 1), command.summary);
      break;
    }
  }
  return text;
}

const Command* command_named(std::string_view name) {
  for (const auto& command : commands) {
    if (std::ranges::count(names_of(command), name) > 0) return &command;
  }
  return nullptr;
}

Ending unknown_command(std::string_view family, std::string_view typed) {
  const auto full = family.empty() ? std::string(typed) : fmt::format("{} {}", family, typed);
  if (std::ranges::count(later, full) > 0) {
    return {exit_usage, fmt::format("\"boxlite {}\" is not built yet", full), "boxlite --help"};
  }
  std::vector<std::string_view> known;
  for (const auto& command : commands) {
    for (const auto name : names_of(command)) {
      if (family_of(name) == family) known.push_back(family.empty() ? name : name.substr(family.size() + 1));
    }
  }
  if (family.empty()) known.insert(known.end(), families.begin(), families.end());
  const auto meant = nearest(typed, known);
  const auto message = fmt::format("unknown command \"{}\"", full);
  if (meant.empty()) return {exit_usage, message, "boxlite --help"};
  return {exit_usage, fmt::format("{}; did you mean \"{}\"?", message, meant), "boxlite --help"};
}

}  // namespace

std::span<const Command> all_commands() {
  return commands;
}

Parsed<FoundCommand> find_command(const std::vector<std::string>& words) {
  const std::string& first = words.front();
  if (const auto* command = command_named(first)) return FoundCommand{command, 1};
  if (!is_family(first)) return std::unexpected(unknown_command({}, first));
  if (words.size() == 1) {
    return std::unexpected(
        Ending(exit_usage, "missing argument: COMMAND", fmt::format("boxlite {} --help", first)));
  }
  if (words[1] == "--help" || words[1] == "-h")
    return std::unexpected(Ending(exit_success, family_help(first)));
  if (const auto* command = command_named(fmt::format("{} {}", first, words[1])))
    return FoundCommand{command, 2};
  return std::unexpected(unknown_command(first, words[1]));
}

std::string program_help() {
  std::string text =
      "Usage:  boxlite [GLOBAL OPTIONS] COMMAND\n\n"
      "Runs programs of OCI images in boxes: virtual machines of their own, without a daemon and without "
      "root.\n";
  for (const auto& [group, title] : group_titles) {
    text += fmt::format("\n{}:\n", title);
    for (const auto& command : commands) {
      if (command.group == group && command.is_common) {
        text += fmt::format("  {:<20}  {}\n", command.name, command.summary);
      }
    }
  }
  return text;
}

}  // namespace boxlite::cli
