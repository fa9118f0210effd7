// SPDX-License-Identifier: Apache-2.0
// CMake wants a source for the shared library; its content is whole archives.
