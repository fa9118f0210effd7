#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs a command on an emulated AMD machine that has KVM, so that boxes with accel=kvm are tested where there is no
# hardware virtualization. QEMU's TCG emulates SVM with nested paging; the machine runs Debian's cloud kernel, and
# the tools of this host (QEMU, its libraries, busybox) with a payload directory of the caller.
#
# thread=single is not a choice: with multi-threaded TCG a machine in which KVM guests come and go hangs within
# minutes (stale translations of patched code).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/boxlite/kvm-rig
# In load order: each needs those before it. Kernels whose kvm-amd does not need ccp (no SEV) come without it.
modules=(
  virt/lib/irqbypass.ko
  arch/x86/kvm/kvm.ko
  drivers/crypto/ccp/ccp.ko
  arch/x86/kvm/kvm-amd.ko
  drivers/block/loop.ko # for file systems that are not in memory
)
tools=(qemu-system-x86_64 qemu-img)
libdir=/usr/lib/x86_64-linux-gnu

usage() {
  cat <<'USAGE'
usage: run.sh [--payload DIR] [--memory MB] [--deadline SECONDS] [--env NAME=VALUE]... -- COMMAND [ARG...]

Boots the machine, runs COMMAND in it as root, passes its output on, and ends with its exit code.

  --payload DIR   copied to /payload, with the libraries its programs need; the command starts in it
  --memory MB     of the machine (default 3072)
  --deadline S    kill the machine after this time (default 180)
  --env N=V       set in the command's environment

Exit code: the command's, or 125 when the machine itself failed (the reason is on stderr).
USAGE
}

say() { printf 'kvm rig: %s\n' "$*" >&2; }

die() {
  printf 'kvm rig: error: %s\n' "$1" >&2
  [ -z "${2:-}" ] || printf '  remedy: %s\n' "$2" >&2
  exit 125
}

require_tools() {
  local tool missing=()
  for tool in "${tools[@]}" busybox cpio dpkg-deb apt-get ldd timeout; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  [ ${#missing[@]} -eq 0 ] ||
    die "not installed: ${missing[*]}" "sudo apt-get install qemu-system-x86 qemu-utils busybox-static cpio"
}

# linux-image-cloud-amd64 names the current kernel package by its dependency.
kernel_package() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }'
}

fetch_kernel() { # DIR
  local package=$1 dir=$2
  say "fetching $package from Debian (once)"
  (cd "$dir" && apt-get download -q "$package" >apt.log 2>&1) ||
    die "cannot download $package: $(tail -n 1 "$dir/apt.log")" "sudo apt-get update, or check the network"
  dpkg-deb -x "$dir"/*.deb "$dir/tree"
}

# Leaves vmlinuz and numbered modules in $cache/<package>+<digest of the list>/, and prints that path.
ensure_kernel() {
  local package dir work number=0 module file chosen
  chosen=$(printf '%s\n' "${modules[@]}" | sha256sum | cut -c1-8)
  package=$(kernel_package)
  [ -n "$package" ] || package=$(find "$cache" -maxdepth 1 -name "linux-image-*+$chosen" -printf '%f\n' 2>/dev/null | sort | tail -n 1)
  [ -n "$package" ] || die "apt knows no package linux-image-cloud-amd64" "sudo apt-get update"
  package=${package%+*}
  dir=$cache/$package+$chosen
  [ ! -d "$dir" ] || { echo "$dir"; return; }
  work=$(mktemp -d "$cache/.new.XXXXXX")
  # shellcheck disable=SC2064  # the directory is known now; this function runs in a subshell
  trap "rm -rf '$work'" EXIT
  mkdir "$work/out"
  fetch_kernel "$package" "$work"
  cp "$work"/tree/boot/vmlinuz-* "$work/out/vmlinuz"
  for module in "${modules[@]}"; do
    number=$((number + 1))
    file=$(find "$work/tree/lib/modules" -path "*/kernel/$module")
    [ -z "$file" ] || cp "$file" "$work/out/$number-${module##*/}"
  done
  mv -T "$work/out" "$dir" 2>/dev/null || true # another run was faster
  echo "$dir"
}

# copy_libraries ROOT FILE...: the dynamic loader and all that ldd finds, under their own paths.
copy_libraries() {
  local root=$1 library
  shift
  for library in $(ldd "$@" 2>/dev/null | grep -o '/[^ ):]*\.so[^ ):]*' | sort -u); do
    [ -e "$root$library" ] || install -D "$(readlink -f "$library")" "$root$library"
  done
}

# The host's QEMU with the firmware of its microvm machine. TCG is a module of it.
make_system() { # ROOT
  local root=$1 tool file
  mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp,run,root,mnt,rig,usr/bin,usr/sbin,sbin,var}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for tool in $(busybox --list); do
    [ "$tool" = busybox ] || ln -s busybox "$root/bin/$tool"
  done
  for tool in "${tools[@]}"; do
    cp "$(command -v "$tool")" "$root/usr/bin/"
    copy_libraries "$root" "$(command -v "$tool")"
  done
  for file in bios-microvm.bin qboot.rom pvh.bin linuxboot_dma.bin kvmvapic.bin; do
    install -D "$(readlink -f "/usr/share/qemu/$file")" "$root/usr/share/qemu/$file"
  done
  for file in "$libdir"/qemu/accel-*.so; do
    [ ! -e "$file" ] || install -D "$file" "$root$file"
  done
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$root/etc/passwd"
  printf 'root:x:0:\n' >"$root/etc/group"
  printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
}

pack() { (cd "$1" && find . -mindepth 1 -print0 | sort -z | cpio -0oH newc -R 0:0 --quiet) >"$2"; }

# The parts that do not change between runs are packed once for each version of kernel, QEMU and this folder.
ensure_base() { # KERNEL_DIR
  local key root
  key=$({ echo "$1"; "${tools[0]}" --version; cat "$here"/*.sh; } | sha256sum | cut -c1-20)
  if [ ! -s "$cache/base-$key.cpio" ]; then
    root=$(mktemp -d "$cache/.new.XXXXXX")
    # shellcheck disable=SC2064  # as above
    trap "rm -rf '$root' '$root.cpio'" EXIT
    make_system "$root"
    cp "$1"/*.ko "$root/rig/"
    install -m 755 "$here/init.sh" "$root/init"
    pack "$root" "$root.cpio"
    mv "$root.cpio" "$cache/base-$key.cpio"
  fi
  echo "$cache/base-$key.cpio"
}

make_payload() { # ROOT COMMAND...
  local root=$1 item
  shift
  mkdir -p "$root/payload" "$root/rig"
  if [ -n "$payload" ]; then
    cp -a "$payload/." "$root/payload/"
    while IFS= read -r -d '' item; do
      copy_libraries "$root" "$item"
    done < <(find "$root/payload" -type f \( -perm -100 -o -name '*.so*' \) -print0)
  fi
  {
    for item in "${environment[@]}"; do printf 'export %q\n' "$item"; done
    printf 'cd /payload\n'
    printf 'exec'
    printf ' %q' "$@"
    printf '\n'
  } >"$root/rig/command"
}

# Three serial lines: the command's output, the kernel's console, and the exit code. What QEMU says is mostly about
# features of an EPYC that TCG lacks: it is shown only with a failure.
boot() { # KERNEL INITRD
  timeout --kill-after=5 "$deadline" qemu-system-x86_64 -M q35 -accel tcg,thread=single -cpu EPYC,+svm,+npt \
    -m "$memory" -smp 1 -nodefaults -no-user-config -display none -no-reboot \
    -kernel "$1" -initrd "$2" -append "console=ttyS1 mitigations=off panic=-1 quiet" \
    -chardev stdio,id=out,signal=off -serial chardev:out -serial "file:$work/console" -serial "file:$work/status" \
    </dev/null 2>"$work/qemu"
}

report_failure() { # QEMU_STATUS
  if [ "$1" -eq 124 ] || [ "$1" -eq 137 ]; then
    die "the command did not end within $deadline s" "raise --deadline; this machine is about 20 times slower than the host"
  fi
  grep -v 'TCG doesn.t support' "$work/qemu" >&2 || true
  tail -n 15 "$work/console" >&2 || true
  die "the emulated machine stopped without an exit code (QEMU ended with $1)"
}

payload='' memory=3072 deadline=180 environment=()
while [ $# -gt 0 ]; do
  case $1 in
    --payload) payload=${2:?--payload needs a directory}; shift 2 ;;
    --memory) memory=${2:?--memory needs a number}; shift 2 ;;
    --deadline) deadline=${2:?--deadline needs a number}; shift 2 ;;
    --env) environment+=("${2:?--env needs NAME=VALUE}"); shift 2 ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    *) usage >&2; exit 2 ;;
  esac
done
[ $# -gt 0 ] || { usage >&2; exit 2; }
[ -z "$payload" ] || [ -d "$payload" ] || die "no such directory: \"$payload\""

require_tools
mkdir -p "$cache"
work=$(mktemp -d "${TMPDIR:-/tmp}/kvm-rig.XXXXXX")
trap 'rm -rf "$work"' EXIT
kernel=$(ensure_kernel)
base=$(ensure_base "$kernel")
make_payload "$work/root" "$@"
pack "$work/root" "$work/payload.cpio"
rm -rf "$work/root"
# The kernel unpacks archives that follow one another.
cat "$base" "$work/payload.cpio" >"$work/initrd"
rm "$work/payload.cpio"
status=0
boot "$kernel/vmlinuz" "$work/initrd" || status=$?
code=$(sed -n 's/^exit \([0-9]*\).*/\1/p' "$work/status" 2>/dev/null || true)
[ -n "$code" ] || report_failure $status
[ "$code" -ne 125 ] || tail -n 5 "$work/console" >&2
exit "$code"
