#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Process 1 of the emulated machine (see run.sh): loads KVM, runs /rig/command, reports its exit code, powers off.
export PATH=/bin:/usr/bin:/usr/sbin:/sbin HOME=/root TERM=dumb TMPDIR=/tmp

# The initramfs cannot be pivoted away from, and runtimes pivot: live in a bind mount of it instead.
if [ "$1" != inside ]; then
  mount -t proc proc /proc
  mount --bind / /mnt
  cd /mnt && mount --move . / && exec chroot . /init inside
fi

report() {
  echo "exit $1" >/dev/ttyS2
  sync
  # The lines drain before the machine goes.
  stty -F /dev/ttyS0 >/dev/null 2>&1
  poweroff -f
  sleep 60
}

fail() {
  echo "kvm rig: $1" >/dev/ttyS1
  report 125
}

mount -t proc proc /proc 2>/dev/null
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
mount -t cgroup2 cgroup /sys/fs/cgroup
hostname kvm-rig
ip link set lo up
for module in /rig/*.ko; do
  insmod "$module" || fail "cannot load $module"
done
[ -c /dev/kvm ] || fail "the modules are loaded, but there is no /dev/kvm"

# Bytes are passed on as they are.
stty -F /dev/ttyS0 raw -echo
setsid sh /rig/command </dev/null >/dev/ttyS0 2>&1
report $?
