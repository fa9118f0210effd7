// SPDX-License-Identifier: Apache-2.0
#include "agent/exec/program_search.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <elf.h>

#include "base/concat.h"

namespace boxlite::agent {
namespace {

std::string script_interpreter(std::string_view head) {
  head = head.substr(2, std::min(head.find('\n'), std::size_t{256}) - 2);
  head.remove_prefix(std::min(head.size(), head.find_first_not_of(" \t")));
  return std::string(head.substr(0, head.find_first_of(" \t\r")));
}

std::string elf_interpreter(std::string_view head) {
  Elf64_Ehdr file;
  if (head.size() < sizeof file) return {};
  std::memcpy(&file, head.data(), sizeof file);
  if (file.e_ident[EI_CLASS] != ELFCLASS64) return {};
  for (std::size_t i = 0; i < file.e_phnum; ++i) {
    Elf64_Phdr segment;
    if (file.e_phoff > head.size() || head.size() - file.e_phoff < (i + 1) * sizeof segment) return {};
    std::memcpy(&segment, head.data() + file.e_phoff + i * sizeof segment, sizeof segment);
    if (segment.p_type != PT_INTERP) continue;
    if (segment.p_offset > head.size()) return {};
    const auto text = head.substr(segment.p_offset, segment.p_filesz);
    return std::string(text.substr(0, text.find('\0')));
  }
  return {};
}

}  // namespace

std::vector<std::string> program_candidates(std::string_view name, std::string_view path) {
  if (name.empty()) return {};
  if (name.find('/') != std::string_view::npos) return {std::string(name)};
  std::vector<std::string> candidates;
  while (!path.empty()) {
    const auto directory = path.substr(0, path.find(':'));
    path.remove_prefix(std::min(path.size(), directory.size() + 1));
    if (directory.starts_with('/')) candidates.push_back(concat(directory, "/", name));
  }
  return candidates;
}

std::string interpreter_of(std::string_view head) {
  if (head.starts_with("#!")) return script_interpreter(head);
  if (head.starts_with(ELFMAG)) return elf_interpreter(head);
  return {};
}

}  // namespace boxlite::agent
