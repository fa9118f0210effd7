// SPDX-License-Identifier: Apache-2.0
#include <string>

#include <fmt/format.h>

#include "cli/commands/command_table.h"
#include "cli/output/output.h"

namespace boxlite::cli {

namespace {

constexpr HelpPage page{
    .usage = "boxlite completion [OPTIONS] bash",
    .sentence = "Prints a script that makes the shell complete commands, boxes and images.",
    .example = "source <(boxlite completion bash)",
};

constexpr std::string_view bash_script = R"bash(_boxlite() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD-1]}}
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "{}" -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
    image) (( COMP_CWORD == 2 )) && COMPREPLY=($(compgen -W "{}" -- "$word")) ;;
    exec|start|stop|restart|rm|inspect)
      COMPREPLY=($(compgen -W "$(boxlite ls -a --format json 2>/dev/null |
        sed -n 's/^ *"\(id\|name\)": "\(.*\)",$/\2/p')" -- "$word")) ;;
    run|create|rmi)
      COMPREPLY=($(compgen -W "$(boxlite images 2>/dev/null | awk 'NR>1 {{print $1 ":" $2}}')" -- "$word")) ;;
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$(boxlite "${{COMP_WORDS[1]}}" --help 2>/dev/null |
      grep -o -- '--[a-z-]*' | sort -u)" -- "$word"))
  elif (( ${{#COMPREPLY[@]}} == 0 )); then
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}}
complete -F _boxlite boxlite
)bash";

}  // namespace

Outcome completion_command(Call& call) {
  OptionSet options(page);
  const auto arguments = call.parse(options, {.least = 1, .most = 1, .wanted = "the name of a shell: bash"});
  if (!arguments) return std::unexpected(arguments.error());
  if (arguments->words.front() != "bash") {
    return usage_error(fmt::format("no completion for \"{}\" yet: only bash", arguments->words.front()));
  }
  std::string words = "image";
  std::string image_words;
  for (const auto& command : all_commands()) {
    const bool is_image = command.name.starts_with("image ");
    auto& list = is_image ? image_words : words;
    list += fmt::format("{}{}", list.empty() ? "" : " ", is_image ? command.name.substr(6) : command.name);
  }
  print(fmt::format(bash_script, words, image_words));
  return exit_success;
}

}  // namespace boxlite::cli
