#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# verify_config of build.sh fails when Kconfig did not do as it was asked, and our configuration asks for what
# Kconfig lets one forget.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck disable=SC1090  # the function alone: build.sh itself builds
source <(sed -n '/^verify_config() {$/,/^}$/p' "$here/build.sh")
die() { exit 1; }

failed=0
complain() {
  echo "verify_config: $*" >&2
  failed=1
}

# expect good|bad WHAT ASKED GOT: what is asked for, and the .config that came out of it.
expect() {
  # shellcheck disable=SC2034  # read by verify_config
  config=$work/asked
  printf '%s\n' "$3" >"$work/asked"
  printf '%s\n' "$4" >"$work/got"
  local verdict=bad
  ! (verify_config "$work/got") 2>/dev/null || verdict=good
  [ $verdict = "$1" ] || complain "$2: $verdict, expected $1"
}

expect good "as asked" $'# words\nCONFIG_A=y\nCONFIG_B=n' $'CONFIG_A=y\n# CONFIG_B is not set'
expect good "a text" 'CONFIG_A="-x"' 'CONFIG_A="-x"'
expect bad "dropped" 'CONFIG_A=y' '# CONFIG_A is not set'
expect bad "not there at all" 'CONFIG_A=y' 'CONFIG_B=y'
expect bad "another value" 'CONFIG_A=2' 'CONFIG_A=20'
expect bad "a name that ends with it" 'CONFIG_A=y' 'XCONFIG_A=y'
expect bad "on, though not wanted" 'CONFIG_A=n' 'CONFIG_A=y'
expect good "a name that begins with it" 'CONFIG_A=n' 'CONFIG_A_B=y'

# A choice says how a feature shall be; Kconfig takes it, and shows it as asked, also without the feature.
# needs OPTION FEATURE
needs() {
  ! grep -q "^$1=y" "$here/config" || grep -q "^$2=y" "$here/config" ||
    complain "$1 does nothing without $2: ask for that as well, in guest/kernel/config"
}
needs CONFIG_LEGACY_VSYSCALL_XONLY CONFIG_X86_VSYSCALL_EMULATION
needs CONFIG_TRANSPARENT_HUGEPAGE_MADVISE CONFIG_TRANSPARENT_HUGEPAGE
needs CONFIG_TRANSPARENT_HUGEPAGE_ALWAYS CONFIG_TRANSPARENT_HUGEPAGE
needs CONFIG_IA32_EMULATION_DEFAULT_DISABLED CONFIG_IA32_EMULATION

exit $failed
