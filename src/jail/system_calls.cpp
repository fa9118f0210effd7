// SPDX-License-Identifier: Apache-2.0
#include "jail/system_calls.h"

#include <cerrno>
#include <csignal>
#include <initializer_list>

#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace boxlite::jail {
namespace {

// Of a C library that is newer than these numbers, the kernel is older as well.
constexpr unsigned first_unknown_call = 463;  // setxattrat(2), Linux 6.13
constexpr unsigned fchmodat2_call = 452;
constexpr unsigned namespaces =
    CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS;
constexpr unsigned set_id_bits = S_ISUID | S_ISGID;

// Everybody asks before the number of the call is at hand again.
void on_call(Filter& filter, long number, const Filter& then) {
  when(filter, static_cast<unsigned>(number), then);
}

void refuse_calls(Filter& filter, int os_error, std::initializer_list<long> numbers) {
  for (const long number : numbers) on_call(filter, number, {answer(refuse(os_error))});
}

Filter refuse_values(unsigned argument, std::initializer_list<unsigned> values) {
  Filter filter{load(argument_at(argument))};
  for (const unsigned value : values) when(filter, value, {answer(refuse(EPERM))});
  filter.push_back(answer(allow));
  return filter;
}

Filter allow_value(unsigned argument, unsigned value) {
  Filter filter{load(argument_at(argument))};
  when(filter, value, {answer(allow)});
  filter.push_back(answer(refuse(EPERM)));
  return filter;
}

Filter refuse_bits(unsigned argument, unsigned bits) {
  Filter filter{load(argument_at(argument)), keep_bits(bits)};
  when(filter, 0, {answer(allow)});
  filter.push_back(answer(refuse(EPERM)));
  return filter;
}

// Threads, and neither processes nor namespaces.
Filter of_clone() {
  Filter filter{load(argument_at(0)), keep_bits(namespaces | CLONE_THREAD)};
  when(filter, CLONE_THREAD, {answer(allow)});
  filter.push_back(answer(refuse(EPERM)));
  return filter;
}

// What a terminal would take for the user's typing, or that sets a file's flags.
Filter of_ioctl() {
  return refuse_values(1, {TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS, TIOCSCTTY,
                           static_cast<unsigned>(FS_IOC_SETFLAGS), static_cast<unsigned>(FS_IOC_FSSETXATTR)});
}

// A file that is made, by O_CREAT or O_TMPFILE, gets its mode.
Filter of_openat() {
  Filter filter{load(argument_at(2)), keep_bits(O_CREAT | (O_TMPFILE & ~O_DIRECTORY))};
  when(filter, 0, {answer(allow)});
  const auto mode = refuse_bits(3, set_id_bits);
  filter.insert(filter.end(), mode.begin(), mode.end());
  return filter;
}

// Files, directories, pipes and sockets; no devices and nothing with another one's rights.
Filter of_mknodat() {
  Filter filter{load(argument_at(2)), keep_bits(S_IFMT)};
  when(filter, S_IFCHR, {answer(refuse(EPERM))});
  when(filter, S_IFBLK, {answer(refuse(EPERM))});
  const auto mode = refuse_bits(2, set_id_bits);
  filter.insert(filter.end(), mode.begin(), mode.end());
  return filter;
}

void add_files(Filter& filter) {
  on_call(filter, __NR_openat, of_openat());
  on_call(filter, __NR_mknodat, of_mknodat());
  on_call(filter, __NR_mknod, {answer(refuse(ENOSYS))});
  on_call(filter, __NR_chmod, refuse_bits(1, set_id_bits));
  on_call(filter, __NR_fchmod, refuse_bits(1, set_id_bits));
  // A directory that is made in one with a set-group-id bit has it as well, by which QEMU then sets its mode.
  on_call(filter, __NR_fchmodat, refuse_bits(2, S_ISUID));
  on_call(filter, fchmodat2_call, refuse_bits(2, S_ISUID));
  // Ways around the above, around the broker of openings and around Landlock before its third version. The C
  // library does without them.
  refuse_calls(filter, ENOSYS,
               {__NR_open, __NR_creat, __NR_openat2, __NR_open_by_handle_at, __NR_name_to_handle_at,
                __NR_truncate, __NR_io_uring_setup, __NR_io_uring_enter, __NR_io_uring_register});
}

void add_processes(Filter& filter) {
  on_call(filter, __NR_clone, of_clone());
  refuse_calls(filter, ENOSYS, {__NR_clone3});  // its flags are in memory, which a filter cannot see
  refuse_calls(filter, EPERM,
               {__NR_fork,
                __NR_vfork,
                __NR_execveat,
                __NR_setsid,
                __NR_setpgid,
                __NR_unshare,
                __NR_setns,
                __NR_kill,
                __NR_tkill,
                __NR_rt_sigqueueinfo,
                __NR_rt_tgsigqueueinfo,
                __NR_pidfd_open,
                __NR_pidfd_getfd,
                __NR_pidfd_send_signal,
                __NR_ptrace,
                __NR_process_vm_readv,
                __NR_process_vm_writev,
                __NR_process_madvise,
                __NR_process_mrelease,
                __NR_kcmp,
                __NR_migrate_pages,
                __NR_move_pages,
                __NR_setpriority,
                __NR_ioprio_set});
  on_call(filter, __NR_prlimit64, allow_value(0, 0));
  // It dies with the shim.
  on_call(filter, __NR_prctl, refuse_values(0, {PR_SET_PDEATHSIG, PR_SET_PTRACER}));
}

// The shim's own lock is one of QEMU's descriptors, to be held for as long as it lives; and a descriptor can
// have a signal sent to any process.
void add_descriptors(Filter& filter) {
  refuse_calls(filter, EPERM, {__NR_flock, __NR_inotify_add_watch});
  on_call(filter, __NR_fcntl, refuse_values(1, {F_SETOWN, F_SETOWN_EX, F_SETSIG}));
}

// The rest of the kernel, of which a machine needs nothing.
void add_others(Filter& filter) {
  refuse_calls(filter, EPERM,
               {__NR_socket,
                __NR_connect,
                __NR_bind,
                __NR_listen,
                __NR_accept,
                __NR_accept4,  //
                __NR_shmget,
                __NR_shmat,
                __NR_shmctl,
                __NR_semget,
                __NR_semop,
                __NR_semctl,  //
                __NR_semtimedop,
                __NR_msgget,
                __NR_msgsnd,
                __NR_msgrcv,
                __NR_msgctl,
                __NR_mq_open,  //
                __NR_mq_unlink,
                __NR_keyctl,
                __NR_add_key,
                __NR_request_key,  //
                __NR_mount,
                __NR_umount2,
                __NR_pivot_root,
                __NR_chroot,
                __NR_open_tree,
                __NR_move_mount,  //
                __NR_fsopen,
                __NR_fsconfig,
                __NR_fsmount,
                __NR_fspick,
                __NR_mount_setattr,  //
                __NR_bpf,
                __NR_perf_event_open,
                __NR_userfaultfd,
                __NR_fanotify_init,
                __NR_syslog,  //
                __NR_setuid,
                __NR_setgid,
                __NR_setreuid,
                __NR_setregid,
                __NR_setresuid,
                __NR_setresgid,  //
                __NR_setgroups,
                __NR_setfsuid,
                __NR_setfsgid,
                __NR_capset,  //
                __NR_personality,
                __NR_modify_ldt,
                __NR_iopl,
                __NR_ioperm,
                __NR_vhangup,
                __NR_acct,  //
                __NR_swapon,
                __NR_swapoff,
                __NR_reboot,
                __NR_quotactl,
                __NR_quotactl_fd,  //
                __NR_init_module,
                __NR_finit_module,
                __NR_delete_module,
                __NR_kexec_load,  //
                __NR_kexec_file_load,
                __NR_settimeofday,
                __NR_clock_settime,
                __NR_adjtimex,  //
                __NR_clock_adjtime,
                __NR_sethostname,
                __NR_setdomainname});
}

void refuse_metadata(Filter& filter) {
  refuse_calls(filter, EPERM,
               {__NR_chmod, __NR_fchmod, __NR_fchmodat, fchmodat2_call, __NR_chown, __NR_lchown, __NR_fchown,
                __NR_fchownat, __NR_utime, __NR_utimes, __NR_futimesat, __NR_utimensat, __NR_setxattr,
                __NR_lsetxattr, __NR_fsetxattr, __NR_removexattr, __NR_lremovexattr, __NR_fremovexattr});
}

void allow_calls(Filter& filter, std::initializer_list<long> numbers) {
  for (const long number : numbers) on_call(filter, number, {answer(allow)});
}

void add_file_server(Filter& filter) {
  allow_calls(filter, {__NR_sendmsg, __NR_epoll_wait, __NR_statx, __NR_pread64, __NR_pwritev2, __NR_close,
                       __NR_getxattr, __NR_futex, __NR_read, __NR_getdents64, __NR_clock_gettime});
  on_call(filter, __NR_openat, of_openat());
  on_call(filter, __NR_mknodat, of_mknodat());
  on_call(filter, __NR_mkdirat, refuse_bits(2, set_id_bits));
  on_call(filter, __NR_chmod, refuse_bits(1, set_id_bits));
  on_call(filter, __NR_fcntl, refuse_values(1, {F_SETOWN, F_SETOWN_EX, F_SETSIG}));
  on_call(filter, __NR_clone, of_clone());
  refuse_calls(filter, ENOSYS, {__NR_clone3});  // its flags are in memory, which a filter cannot see
  on_call(filter, __NR_prlimit64, allow_value(0, 0));
  // Files.
  allow_calls(filter, {__NR_unlinkat,
                       __NR_renameat,
                       __NR_renameat2,
                       __NR_linkat,
                       __NR_symlinkat,
                       __NR_readlinkat,
                       __NR_fchownat,
                       __NR_utimensat,
                       __NR_truncate,
                       __NR_ftruncate,
                       __NR_fallocate,
                       __NR_lseek,
                       __NR_copy_file_range,
                       __NR_fsync,
                       __NR_fdatasync,
                       __NR_flock,
                       __NR_fstat,
                       __NR_newfstatat,
                       __NR_fstatfs,
                       __NR_setxattr,
                       __NR_listxattr,
                       __NR_removexattr,
                       __NR_inotify_init1,
                       __NR_inotify_add_watch,
                       __NR_inotify_rm_watch,
                       __NR_fanotify_init,
                       __NR_fanotify_mark,
                       __NR_name_to_handle_at,
                       __NR_write,
                       __NR_writev,
                       __NR_pwrite64});
  // What the loop, the threads and the C library need.
  allow_calls(filter, {__NR_epoll_create1,
                       __NR_epoll_ctl,
                       __NR_eventfd2,
                       __NR_poll,
                       __NR_mmap,
                       __NR_munmap,
                       __NR_mremap,
                       __NR_mprotect,
                       __NR_madvise,
                       __NR_brk,
                       __NR_set_robust_list,
                       __NR_rseq,
                       __NR_rt_sigaction,
                       __NR_rt_sigprocmask,
                       __NR_rt_sigreturn,
                       __NR_sigaltstack,
                       __NR_restart_syscall,
                       __NR_exit,
                       __NR_exit_group,
                       __NR_getpid,
                       __NR_gettid,
                       __NR_geteuid,
                       __NR_getegid,
                       __NR_sched_yield,
                       __NR_sched_getaffinity,
                       __NR_clock_nanosleep,
                       __NR_nanosleep,
                       __NR_getrandom,
                       __NR_set_tid_address});
}

}  // namespace

// Those that are called most come first: the kernel remembers only what is allowed whatever its arguments
// are.
SystemCallFilter::SystemCallFilter(Metadata metadata) : program_(begin_filter()) {
  on_call(program_, __NR_ioctl, of_ioctl());
  own_pid_at_ = program_.size() + 2;
  on_call(program_, __NR_tgkill, allow_value(0, 0));
  if (metadata == Metadata::refused) refuse_metadata(program_);
  add_files(program_);
  add_processes(program_);
  add_descriptors(program_);
  add_others(program_);
  when_at_least(program_, first_unknown_call, {answer(refuse(ENOSYS))});
  program_.push_back(answer(allow));
}

SystemCallFilter::SystemCallFilter(ForFileServer) : program_(begin_filter()) {
  own_pid_at_ = program_.size() + 2;
  on_call(program_, __NR_tgkill, allow_value(0, 0));
  add_file_server(program_);
  program_.push_back(answer(refuse(EPERM)));
}

bool SystemCallFilter::install() {
  program_[own_pid_at_].k = static_cast<unsigned>(::getpid());
  const sock_fprog description{.len = static_cast<unsigned short>(program_.size()),
                               .filter = program_.data()};
  return ::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &description) == 0;
}

}  // namespace boxlite::jail
