// SPDX-License-Identifier: Apache-2.0
// boxlite file ls|stat|cat|write|mkdir|rm|mv|watch
#include <charconv>

#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands/commands.h"
#include "cli/listing/file_listing.h"
#include "cli/listing/listing.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

// Runs `work` on the files of the box that is the first argument.
template <typename Work>
Outcome with_files(Call& call, OptionSet& options, const ArgumentCount& count, Work work) {
  const auto arguments = call.parse(options, count);
  if (!arguments) return std::unexpected(arguments.error());
  const auto box = open_box(call.global, arguments->words.front());
  if (!box) return std::unexpected(box.error());
  auto files = box->files();
  return work(files, arguments->words);
}

template <typename T>
Outcome ended(const Result<T>& result) {
  if (!result) return std::unexpected(result.error());
  return exit_success;
}

std::optional<std::string> accept_octal(std::string_view text, unsigned& mode) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  const bool is_good = problem == std::errc() && end == text.data() + text.size() && mode <= 07777;
  return is_good ? std::nullopt : std::optional<std::string>("is no mode: write it in octal, as 644");
}

std::optional<std::string> accept_number(std::string_view text, std::uint64_t& number) {
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool is_good = problem == std::errc() && end == text.data() + text.size();
  return is_good ? std::nullopt : std::optional<std::string>("is not a number of bytes");
}

}  // namespace

Outcome file_list_command(Call& call) {
  OptionSet options({.usage = "boxlite file ls [OPTIONS] BOX [PATH]",
                     .sentence = "Lists a directory of a box.",
                     .example = "boxlite file ls web /etc"});
  OutputFormat format = OutputFormat::table;
  options.value(0, "format", "table|json", "How to print (table)", accept_format(format));
  return with_files(call, options, {.least = 1, .most = 2, .wanted = "BOX"},
                    [&](Files& files, const auto& words) {
                      const auto list = files.list(words.size() > 1 ? words[1] : "/");
                      if (list) print(format == OutputFormat::json ? files_json(*list) : files_table(*list));
                      return ended(list);
                    });
}

Outcome file_stat_command(Call& call) {
  OptionSet options({.usage = "boxlite file stat [OPTIONS] BOX PATH",
                     .sentence = "Shows what is known of a file of a box, as JSON.",
                     .example = "boxlite file stat web /etc/passwd"});
  bool follows = false;
  options.flag('L', "dereference", follows, "Of a symlink: what it leads to");
  return with_files(call, options, {.least = 2, .most = 2, .wanted = "BOX and PATH"},
                    [&](Files& files, const auto& words) {
                      const auto file = files.stat(words[1], {.follow_symlinks = follows});
                      if (file) print(file_json(*file));
                      return ended(file);
                    });
}

Outcome file_cat_command(Call& call) {
  OptionSet options({.usage = "boxlite file cat [OPTIONS] BOX PATH",
                     .sentence = "Writes a file of a box to standard output.",
                     .example = "boxlite file cat web /var/log/app.log"});
  ReadRange range;
  options.value(0, "offset", "BYTES", "Where to begin (0)",
                [&](std::string_view text) { return accept_number(text, range.offset); });
  options.value(0, "length", "BYTES", "How much (all)",
                [&](std::string_view text) { return accept_number(text, range.length); });
  return with_files(
      call, options, {.least = 2, .most = 2, .wanted = "BOX and PATH"},
      [&](Files& files, const auto& words) { return ended(files.read_to(words[1], STDOUT_FILENO, range)); });
}

Outcome file_write_command(Call& call) {
  OptionSet options({.usage = "boxlite file write [OPTIONS] BOX PATH",
                     .sentence = "Writes standard input to a file of a box.",
                     .example = "echo hello | boxlite file write web /greeting"});
  WriteOptions how;
  options.flag('a', "append", how.append, "At its end, instead of in place of what it holds");
  options.value(0, "mode", "MODE", "Of a new file (644)",
                [&](std::string_view text) { return accept_octal(text, how.mode); });
  return with_files(
      call, options, {.least = 2, .most = 2, .wanted = "BOX and PATH"},
      [&](Files& files, const auto& words) { return ended(files.write_from(words[1], STDIN_FILENO, how)); });
}

Outcome file_mkdir_command(Call& call) {
  OptionSet options({.usage = "boxlite file mkdir [OPTIONS] BOX PATH...",
                     .sentence = "Makes directories in a box.",
                     .example = "boxlite file mkdir -p web /srv/data/in"});
  bool parents = false;
  unsigned mode = 0755;
  options.flag('p', "parents", parents, "With those above, and none that exists is an error");
  options.value('m', "mode", "MODE", "Its permissions (755)",
                [&](std::string_view text) { return accept_octal(text, mode); });
  return with_files(
      call, options, {.least = 2, .most = any_number, .wanted = "BOX and PATH"},
      [&](Files& files, const auto& words) {
        for (std::size_t i = 1; i < words.size(); ++i) {
          if (const auto made = files.make_directory(words[i], {.parents = parents, .mode = mode}); !made)
            return ended(made);
        }
        return Outcome(exit_success);
      });
}

Outcome file_remove_command(Call& call) {
  OptionSet options({.usage = "boxlite file rm [OPTIONS] BOX PATH...",
                     .sentence = "Removes files of a box.",
                     .example = "boxlite file rm -r web /srv/data"});
  bool recursive = false;
  options.flag('r', "recursive", recursive, "Directories with all in them");
  return with_files(call, options, {.least = 2, .most = any_number, .wanted = "BOX and PATH"},
                    [&](Files& files, const auto& words) {
                      for (std::size_t i = 1; i < words.size(); ++i) {
                        if (const auto removed = files.remove(words[i], {.recursive = recursive}); !removed)
                          return ended(removed);
                      }
                      return Outcome(exit_success);
                    });
}

Outcome file_move_command(Call& call) {
  OptionSet options({.usage = "boxlite file mv [OPTIONS] BOX FROM TO",
                     .sentence = "Renames a file of a box.",
                     .example = "boxlite file mv web /config.new /config"});
  bool keeps = false;
  options.flag('n', "no-clobber", keeps, "An error when TO exists");
  return with_files(call, options, {.least = 3, .most = 3, .wanted = "BOX, FROM and TO"},
                    [&](Files& files, const auto& words) {
                      return ended(files.rename(words[1], words[2], {.overwrite = !keeps}));
                    });
}

Outcome file_watch_command(Call& call) {
  OptionSet options(
      {.usage = "boxlite file watch [OPTIONS] BOX PATH",
       .sentence = "Tells of changes to a file or in a directory of a box, until it is interrupted.",
       .example = "boxlite file watch -r web /srv"});
  bool recursive = false;
  OutputFormat format = OutputFormat::table;
  options.flag('r', "recursive", recursive, "In all directories below, too");
  options.value(0, "format", "table|json", "How to print (table); json: one object a line",
                accept_format(format));
  return with_files(call, options, {.least = 2, .most = 2, .wanted = "BOX and PATH"},
                    [&](Files& files, const auto& words) -> Outcome {
                      auto watch = files.watch(words[1], {.recursive = recursive});
                      if (!watch) return std::unexpected(watch.error());
                      while (true) {
                        const auto events = watch->next();
                        if (!events) return std::unexpected(events.error());
                        if (events->empty()) return exit_success;
                        for (const auto& event : *events)
                          print_line(format == OutputFormat::json ? event_json(event) : event_line(event));
                        // A program that reads us through a pipe wants to know now.
                        if (!finish_output()) return exit_failure;
                      }
                    });
}

}  // namespace boxlite::cli
