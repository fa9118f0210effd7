// SPDX-License-Identifier: Apache-2.0
#include "net/inspection/http/http2_session.h"

#include <vector>

#include "base/concat.h"

namespace boxlite::net {
namespace {

using CallbacksPtr = std::unique_ptr<nghttp2_session_callbacks, decltype(&nghttp2_session_callbacks_del)>;
using OptionPtr = std::unique_ptr<nghttp2_option, decltype(&nghttp2_option_del)>;

Error http2_error(int code) {
  return Error(ErrorCode::corrupted, concat("HTTP/2: ", nghttp2_strerror(code)));
}

std::string_view text(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

// Authorization and what was substituted shall not stay in a table that both sides keep.
bool is_sensitive(const HttpField& field) {
  return field.is_sensitive || field.name == "authorization" || field.name == "cookie";
}

std::vector<nghttp2_nv> to_pairs(const HttpFields& fields) {
  std::vector<nghttp2_nv> pairs;
  // nghttp2 copies both before it returns.
  const auto bytes = [](const std::string& string) {
    return const_cast<std::uint8_t*>(reinterpret_cast<const std::uint8_t*>(string.data()));
  };
  for (const auto& field : fields.items()) {
    const auto flags = is_sensitive(field) ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
    pairs.push_back({bytes(field.name), bytes(field.value), field.name.size(), field.value.size(),
                     static_cast<std::uint8_t>(flags)});
  }
  return pairs;
}

nghttp2_data_provider provider_of(Http2Body* body, nghttp2_data_source_read_callback read) {
  nghttp2_data_provider provider{};
  provider.source.ptr = body;
  provider.read_callback = read;
  return provider;
}

bool is_last(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

Result<std::unique_ptr<Http2Session>> Http2Session::create(Part part, Channel& channel, Listener& listener) {
  std::unique_ptr<Http2Session> session(new Http2Session(channel, listener));
  BOXLITE_TRY(session->begin(part));
  return session;
}

Result<void> Http2Session::begin(Part part) {
  nghttp2_session_callbacks* made_callbacks = nullptr;
  nghttp2_option* made_option = nullptr;
  if (nghttp2_session_callbacks_new(&made_callbacks) != 0) return fail(http2_error(NGHTTP2_ERR_NOMEM));
  const CallbacksPtr callbacks(made_callbacks, nghttp2_session_callbacks_del);
  if (nghttp2_option_new(&made_option) != 0) return fail(http2_error(NGHTTP2_ERR_NOMEM));
  const OptionPtr option(made_option, nghttp2_option_del);
  nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks.get(), on_begin_headers);
  nghttp2_session_callbacks_set_on_header_callback(callbacks.get(), on_header);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks.get(), on_frame);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks.get(), on_chunk);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks.get(), on_stream_close);
  nghttp2_option_set_no_auto_window_update(option.get(), 1);
  nghttp2_option_set_no_closed_streams(option.get(), 1);
  nghttp2_option_set_max_send_header_block_length(option.get(), 2 * max_http_head);
  // A guest that opens streams only to reset them would make us do the same to the server.
  nghttp2_option_set_stream_reset_rate_limit(option.get(), 200, 20);

  nghttp2_session* made = nullptr;
  const int result = part == Part::server
                         ? nghttp2_session_server_new2(&made, callbacks.get(), this, option.get())
                         : nghttp2_session_client_new2(&made, callbacks.get(), this, option.get());
  if (result != 0) return fail(http2_error(result));
  session_.reset(made);
  const std::vector<nghttp2_settings_entry> settings = {
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, max_http_head},
      part == Part::server ? nghttp2_settings_entry{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, most_streams}
                           : nghttp2_settings_entry{NGHTTP2_SETTINGS_ENABLE_PUSH, 0}};
  if (const int sent = nghttp2_submit_settings(made, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
      sent != 0)
    return fail(http2_error(sent));
  if (const int set = nghttp2_session_set_local_window_size(made, NGHTTP2_FLAG_NONE, 0, connection_window);
      set != 0)
    return fail(http2_error(set));
  head_deadline_ = Clock::now() + head_limit;  // for the first frame
  return {};
}

Result<bool> Http2Session::advance() {
  const bool received = BOXLITE_TRY(receive());
  return BOXLITE_TRY(send()) || received;
}

Result<bool> Http2Session::receive() {
  const auto input = channel_.input();
  // What is read may have to be answered.
  if (input.empty() || channel_.room() == 0 || nghttp2_session_want_read(session_.get()) == 0) return false;
  const auto size = input.size();
  const auto taken =
      nghttp2_session_mem_recv(session_.get(), reinterpret_cast<const std::uint8_t*>(input.data()), size);
  if (taken < 0) return fail(http2_error(static_cast<int>(taken)));
  channel_.consume(static_cast<std::size_t>(taken));
  return taken > 0;
}

Result<bool> Http2Session::send() {
  bool sent = false;
  while (channel_.room() > 0) {
    const std::uint8_t* bytes = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &bytes);
    if (size < 0) return fail(http2_error(static_cast<int>(size)));
    if (size == 0) break;
    channel_.write(text(bytes, static_cast<std::size_t>(size)));
    sent = true;
  }
  return sent;
}

bool Http2Session::is_over() const {
  return nghttp2_session_want_read(session_.get()) == 0 && nghttp2_session_want_write(session_.get()) == 0;
}

Result<Http2Session::StreamId> Http2Session::request(const HttpFields& fields, Http2Body* body) {
  const auto pairs = to_pairs(fields);
  const auto provider = provider_of(body, read_body);
  const auto stream = nghttp2_submit_request(session_.get(), nullptr, pairs.data(), pairs.size(),
                                             body != nullptr ? &provider : nullptr, nullptr);
  if (stream < 0) return fail(ErrorCode::unavailable, http2_error(stream).message());
  return stream;
}

void Http2Session::respond(StreamId stream, const HttpFields& fields, Http2Body* body) {
  const auto pairs = to_pairs(fields);
  const auto provider = provider_of(body, read_body);
  const auto status = fields.find(":status");
  const int result = status && status->starts_with('1')
                         ? nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream, nullptr,
                                                  pairs.data(), pairs.size(), nullptr)
                         : nghttp2_submit_response(session_.get(), stream, pairs.data(), pairs.size(),
                                                   body != nullptr ? &provider : nullptr);
  if (result != 0) reset(stream, NGHTTP2_INTERNAL_ERROR);
}

// These fail only for a stream that is gone, or when memory is out, and then the next frame fails too.
void Http2Session::resume(StreamId stream) {
  (void)nghttp2_session_resume_data(session_.get(), stream);
}

void Http2Session::consume(StreamId stream, std::size_t bytes) {
  if (bytes != 0) (void)nghttp2_session_consume(session_.get(), stream, bytes);
}

bool Http2Session::is_peer_stopped(StreamId stream) const {
  return nghttp2_session_get_local_window_size(session_.get()) <= 0 ||
         nghttp2_session_get_stream_local_window_size(session_.get(), stream) <= 0;
}

void Http2Session::reset(StreamId stream, std::uint32_t error) {
  (void)nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream, error);
}

void Http2Session::go_away() {
  (void)nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                              nghttp2_session_get_last_proc_stream_id(session_.get()), NGHTTP2_NO_ERROR,
                              nullptr, 0);
}

int Http2Session::on_begin_headers(nghttp2_session*, const nghttp2_frame*, void* self) {
  auto& session = *static_cast<Http2Session*>(self);
  session.fields_ = {};
  session.fields_size_ = 0;
  session.head_deadline_ = Clock::now() + head_limit;
  return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                            std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                            std::uint8_t flags, void* self) {
  auto& session = *static_cast<Http2Session*>(self);
  session.fields_size_ += name_size + value_size;
  if (session.fields_size_ > max_http_head || session.fields_.items().size() == max_http_fields) {
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;  // resets the stream
  }
  session.fields_.items().push_back({std::string(text(name, name_size)), std::string(text(value, value_size)),
                                     (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0});
  return 0;
}

int Http2Session::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
  auto& session = *static_cast<Http2Session*>(self);
  session.head_deadline_.reset();
  switch (frame->hd.type) {
    case NGHTTP2_HEADERS: session.on_field_block(*frame); break;
    case NGHTTP2_DATA:
      if (is_last(*frame)) session.listener_.on_end(frame->hd.stream_id, {});
      break;
    case NGHTTP2_GOAWAY: session.listener_.on_going_away(); break;
    default: break;
  }
  return 0;
}

void Http2Session::on_field_block(const nghttp2_frame& frame) {
  auto fields = std::exchange(fields_, {});
  const bool is_head = !fields.items().empty() && fields.items().front().name.starts_with(':');
  if (is_head) {
    listener_.on_head(frame.hd.stream_id, std::move(fields), is_last(frame));
  } else {
    listener_.on_end(frame.hd.stream_id, std::move(fields));
  }
}

int Http2Session::on_chunk(nghttp2_session*, std::uint8_t, StreamId stream, const std::uint8_t* bytes,
                           std::size_t size, void* self) {
  static_cast<Http2Session*>(self)->listener_.on_content(stream, text(bytes, size));
  return 0;
}

int Http2Session::on_stream_close(nghttp2_session*, StreamId stream, std::uint32_t error, void* self) {
  static_cast<Http2Session*>(self)->listener_.on_closed(stream, error);
  return 0;
}

ssize_t Http2Session::read_body(nghttp2_session* session, StreamId stream, std::uint8_t* place,
                                std::size_t room, std::uint32_t* flags, nghttp2_data_source* source,
                                void* self) {
  auto& body = *static_cast<Http2Body*>(source->ptr);
  const auto taken = body.take(reinterpret_cast<char*>(place), room);
  static_cast<Http2Session*>(self)->listener_.on_taken(stream, taken.consumed);
  if (body.is_drained()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!body.trailers().items().empty()) {
      const auto pairs = to_pairs(body.trailers());
      if (nghttp2_submit_trailer(session, stream, pairs.data(), pairs.size()) == 0)
        *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    }
  } else if (taken.written == 0) {
    return NGHTTP2_ERR_DEFERRED;
  }
  return static_cast<ssize_t>(taken.written);
}

}  // namespace boxlite::net
