// SPDX-License-Identifier: Apache-2.0
// A program for boxes: a file by a mapping, statically linked, since the image has no library.
//   box_mapper read FILE     writes what a private mapping of the file shows, as loaders and git map
//   box_mapper write FILE    makes its first byte an 'M' by a shared mapping, as databases do
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int main(int count, char** words) {
  if (count != 3) return 2;
  const bool is_writing = std::strcmp(words[1], "write") == 0;
  const int file = ::open(words[2], is_writing ? O_RDWR : O_RDONLY);
  struct stat status = {};
  if (file < 0 || ::fstat(file, &status) != 0) return std::perror(words[2]), 1;
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return 0;
  void* const bytes = ::mmap(nullptr, size, is_writing ? PROT_READ | PROT_WRITE : PROT_READ,
                             is_writing ? MAP_SHARED : MAP_PRIVATE, file, 0);
  if (bytes == MAP_FAILED) return std::perror("mmap"), 1;
  if (!is_writing) return std::fwrite(bytes, 1, size, stdout) == size ? 0 : 1;
  *static_cast<char*>(bytes) = 'M';
  return ::msync(bytes, size, MS_SYNC) == 0 ? 0 : 1;
}
