// SPDX-License-Identifier: Apache-2.0
#include "fileserver/server.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "fileserver/handlers/attributes.h"
#include "fileserver/handlers/directories.h"
#include "fileserver/handlers/files.h"
#include "fileserver/handlers/locks.h"
#include "fileserver/handlers/names.h"
#include "fileserver/handlers/repeats.h"
#include "fuse/agreement.h"
#include "wire/folder_orders.h"

namespace boxlite::fileserver {
namespace {

// After so long without a request, what large ones needed is given back.
constexpr std::chrono::milliseconds quiet_time(1000);

Answer<void> initialize(Session& session, Request& request) {
  const auto in = BOXLITE_TRY(request.take_first<fuse_init_in>(16));
  const auto out = fuse::agree(in);
  if (!out) return refuse(EPROTO);
  session.begin(out->minor, fuse::features_of(*out));
  session.channel().answer(request.unique(), {bytes_of(*out)});
  return {};
}

Answer<void> destroy(Session& session, Request& request) {
  session.channel().answer(request.unique(), {});
  session.begin();
  return {};
}

using Handler = Answer<void> (*)(Session&, Request&);

// By opcode; null: ENOSYS, after which the guest's kernel does not ask again.
constexpr auto handlers = [] {
  std::array<Handler, 64> table{};
  table[FUSE_LOOKUP] = look_up;
  table[FUSE_GETATTR] = get_attributes;
  table[FUSE_SETATTR] = set_attributes;
  table[FUSE_READLINK] = read_link;
  table[FUSE_SYMLINK] = make_symlink;
  table[FUSE_MKNOD] = make_node;
  table[FUSE_MKDIR] = make_directory;
  table[FUSE_UNLINK] = remove_file;
  table[FUSE_RMDIR] = remove_directory;
  table[FUSE_RENAME] = rename;
  table[FUSE_RENAME2] = rename_with_flags;
  table[FUSE_LINK] = make_link;
  table[FUSE_OPEN] = open_node;
  table[FUSE_READ] = read_file;
  table[FUSE_WRITE] = write_file;
  table[FUSE_STATFS] = statistics;
  table[FUSE_RELEASE] = release;
  table[FUSE_FSYNC] = synchronize;
  table[FUSE_SETXATTR] = set_extended;
  table[FUSE_GETXATTR] = get_extended;
  table[FUSE_LISTXATTR] = list_extended;
  table[FUSE_REMOVEXATTR] = remove_extended;
  table[FUSE_FLUSH] = flush;
  table[FUSE_INIT] = initialize;
  table[FUSE_OPENDIR] = open_directory;
  table[FUSE_READDIR] = read_directory;
  table[FUSE_READDIRPLUS] = read_directory_plus;
  table[FUSE_RELEASEDIR] = release;
  table[FUSE_FSYNCDIR] = synchronize;
  table[FUSE_GETLK] = test_lock;
  table[FUSE_SETLK] = set_lock;
  table[FUSE_SETLKW] = wait_for_lock;
  table[FUSE_CREATE] = create_file;
  table[FUSE_TMPFILE] = create_nameless_file;
  table[FUSE_DESTROY] = destroy;
  table[FUSE_FALLOCATE] = allocate;
  table[FUSE_LSEEK] = seek;
  table[FUSE_COPY_FILE_RANGE] = copy_range;
  return table;
}();

// Others have numbers, and two names or a symlink's target. Requests that wait are kept whole: the
// guest does not get the server to keep more of them.
constexpr std::size_t max_without_data = 8192;

bool may_be_large(std::uint32_t opcode) {
  return opcode == FUSE_WRITE || opcode == FUSE_SETXATTR || opcode == FUSE_BATCH_FORGET;
}

}  // namespace

Result<std::unique_ptr<Server>> Server::create(linux_::EventLoop& loop, UniqueFd socket, Setup setup,
                                               std::function<void(Result<void>)> ended) {
  std::unique_ptr<Server> server(new Server(loop, std::move(socket), std::move(setup), std::move(ended)));
  auto* self = server.get();
  server->ready_ = BOXLITE_TRY(
      loop.watch(server->channel_.fd(), true, false, [self](linux_::Readiness) { self->on_ready(); }));
  return server;
}

Server::Server(linux_::EventLoop& loop, UniqueFd socket, Setup setup, std::function<void(Result<void>)> ended)
    : loop_(loop),
      channel_(std::move(socket)),
      session_(loop, channel_, std::move(setup)),
      ended_(std::move(ended)) {}

void Server::on_ready() {
  auto filled = channel_.fill();
  if (!filled || !*filled) {
    ready_.reset();
    return ended_(filled ? Result<void>() : std::unexpected(std::move(filled).error()));
  }
  session_.watch().hear();
  while (const auto message = channel_.next()) {
    // A folder may have been detached while the guest did not read its answers.
    if (channel_.has_waited()) session_.watch().hear_all();
    handle(*message);
  }
  quiet_ = loop_.after(quiet_time, [this] { give_memory_back(); });
}

void Server::give_memory_back() {
  channel_.shrink();
  session_.transfer_buffer() = std::vector<char>();
}

void Server::handle(std::string_view message) {
  auto request = Request::parse(message);
  // Without a number there is nobody to answer.
  if (request) dispatch(*request);
}

ServerState Server::suspend() {
  ready_.reset();
  auto state = session_.suspend();
  state.unread = channel_.unread();
  return state;
}

Result<void> Server::take_up(const ServerState& state) {
  if (!session_.take_up(state))
    return fail(ErrorCode::corrupted, "file server: the state that is to be taken up contradicts itself");
  channel_.begin_with(state.unread);
  for (const auto& message : state.waiting) handle(message);
  return {};
}

// True: it is answered. The path of what is to be repeated may lead to another file by now, to which nothing
// may be done.
bool Server::is_repeat(const Request& request) {
  if (!session_.echoes().is_of_repeater(request)) return false;
  if (const auto& echo = session_.echoes().told()) {
    const auto repeated = answer_repeat(session_, *echo, request);
    if (!repeated) channel_.answer(request.unique(), repeated.error());
    if (!repeated || *repeated) return true;
  }
  if (changes_nothing(request)) return false;
  channel_.answer(request.unique(), EPERM);
  return true;
}

void Server::dispatch(Request& request) {
  switch (request.opcode()) {
    case wire::box_user_order:
      if (const auto user = request.take<wire::BoxUser>()) session_.set_box_user(user->uid, user->gid);
      return;
    case wire::repeater_order:
      if (const auto repeater = request.take<wire::Repeater>()) session_.echoes().begin(repeater->pid);
      return;
    case wire::repeated_order: return session_.echoes().done();
    case wire::forgotten_order:
      if (const auto forgotten = request.take<wire::Forgotten>()) session_.have_forgotten(forgotten->count);
      return session_.postponed_opens().go_on([this](std::string_view message) { handle(message); });
    case FUSE_FORGET: return forget(session_, request);
    case FUSE_BATCH_FORGET: return forget_many(session_, request);
    case FUSE_INTERRUPT: return interrupt_lock(session_, request);
    default: break;
  }
  const auto handler = request.opcode() < handlers.size() ? handlers[request.opcode()] : nullptr;
  if (handler == nullptr) return channel_.answer(request.unique(), ENOSYS);
  if (request.whole().size() > max_without_data && !may_be_large(request.opcode()))
    return channel_.answer(request.unique(), EINVAL);
  if (is_repeat(request)) return;
  if (const auto done = handler(session_, request); !done) channel_.answer(request.unique(), done.error());
}

}  // namespace boxlite::fileserver
