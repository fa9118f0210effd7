// SPDX-License-Identifier: Apache-2.0
// Every method of api/guest.proto as a type that pairs its messages at compile time:
//   call<GuestHello>(HelloRequest) -> HelloResponse.
#pragma once

#include <concepts>
#include <cstdint>
#include <string_view>

#include "wire/frame.h"
#include "wire/messages.h"
#include "wire/status.h"

namespace boxlite::wire {

inline constexpr std::string_view guest_service = "boxlite.guest.v1.Guest";
inline constexpr std::string_view exec_service = "boxlite.guest.v1.Exec";
inline constexpr std::string_view folders_service = "boxlite.guest.v1.Folders";
inline constexpr std::string_view files_service = "boxlite.guest.v1.Files";
inline constexpr std::string_view tunnels_service = "boxlite.guest.v1.Tunnels";
inline constexpr std::string_view shim_service = "boxlite.guest.v1.Shim";

namespace detail {
template <typename Req, typename Res>
struct Unary {
  using Request = Req;
  using Response = Res;
  static constexpr bool is_streaming = false;
};
template <typename Req, typename Res, typename In, typename Out>
struct Streaming {
  using Request = Req;
  using Response = Res;
  using Input = In;    // data from the client
  using Output = Out;  // data from the server
  static constexpr bool is_streaming = true;
};
template <typename Req, typename Res>
struct GuestUnary : Unary<Req, Res> {
  static constexpr std::string_view service = guest_service;
};
template <typename Req, typename Res>
struct ExecUnary : Unary<Req, Res> {
  static constexpr std::string_view service = exec_service;
};
template <typename Req>
struct ExecStream : Streaming<Req, msg::ExecResult, msg::ExecInput, msg::ExecOutput> {
  static constexpr std::string_view service = exec_service;
};
template <typename Req, typename Res>
struct FoldersUnary : Unary<Req, Res> {
  static constexpr std::string_view service = folders_service;
};
template <typename Req, typename Res>
struct FilesUnary : Unary<Req, Res> {
  static constexpr std::string_view service = files_service;
};
template <typename Req, typename Res, typename Out>
struct FilesStream : Streaming<Req, Res, msg::FileData, Out> {
  static constexpr std::string_view service = files_service;
};
template <typename Req, typename Res>
struct ShimUnary : Unary<Req, Res> {
  static constexpr std::string_view service = shim_service;
};
}  // namespace detail

struct GuestHello : detail::GuestUnary<msg::HelloRequest, msg::HelloResponse> {
  static constexpr std::string_view name = "Hello";
};
struct GuestConfigure : detail::GuestUnary<msg::ConfigureRequest, msg::ConfigureResponse> {
  static constexpr std::string_view name = "Configure";
};
struct GuestStartContainer : detail::GuestUnary<msg::StartContainerRequest, msg::StartContainerResponse> {
  static constexpr std::string_view name = "StartContainer";
};
struct GuestShutdown : detail::GuestUnary<msg::ShutdownRequest, msg::ShutdownResponse> {
  static constexpr std::string_view name = "Shutdown";
};
struct GuestSetClock : detail::GuestUnary<msg::SetClockRequest, msg::SetClockResponse> {
  static constexpr std::string_view name = "SetClock";
};
struct GuestPing : detail::GuestUnary<msg::PingRequest, msg::PingResponse> {
  static constexpr std::string_view name = "Ping";
};

struct GuestStats : detail::GuestUnary<msg::StatsRequest, msg::StatsResponse> {
  static constexpr std::string_view name = "Stats";
};
struct GuestAwaitDiskErrors : detail::GuestUnary<msg::AwaitDiskErrorsRequest, msg::DiskErrors> {
  static constexpr std::string_view name = "AwaitDiskErrors";
};
struct GuestProcesses : detail::GuestUnary<msg::ProcessesRequest, msg::ProcessesResponse> {
  static constexpr std::string_view name = "Processes";
};

struct ExecStart : detail::ExecStream<msg::ExecRequest> {
  static constexpr std::string_view name = "Start";
};
struct ExecAttach : detail::ExecStream<msg::AttachRequest> {
  static constexpr std::string_view name = "Attach";
};
struct ExecWait : detail::ExecUnary<msg::WaitRequest, msg::ExecResult> {
  static constexpr std::string_view name = "Wait";
};
struct ExecSignal : detail::ExecUnary<msg::SignalRequest, msg::SignalResponse> {
  static constexpr std::string_view name = "Signal";
};
struct ExecList : detail::ExecUnary<msg::ListExecsRequest, msg::ListExecsResponse> {
  static constexpr std::string_view name = "List";
};

struct FilesPack : detail::FilesStream<msg::PackRequest, msg::CopyReport, msg::FileData> {
  static constexpr std::string_view name = "Pack";
};
struct FilesUnpack : detail::FilesStream<msg::UnpackRequest, msg::CopyReport, msg::FileData> {
  static constexpr std::string_view name = "Unpack";
};
struct FilesRead : detail::FilesStream<msg::ReadFileRequest, msg::FileStat, msg::FileData> {
  static constexpr std::string_view name = "Read";
};
struct FilesWrite : detail::FilesStream<msg::WriteFileRequest, msg::FileStat, msg::FileData> {
  static constexpr std::string_view name = "Write";
};
struct FilesList : detail::FilesStream<msg::ListFilesRequest, msg::ListFilesResponse, msg::FileList> {
  static constexpr std::string_view name = "List";
};
struct FilesWatch : detail::FilesStream<msg::WatchRequest, msg::WatchResponse, msg::FileEvents> {
  static constexpr std::string_view name = "Watch";
};
struct FilesStat : detail::FilesUnary<msg::StatRequest, msg::FileStat> {
  static constexpr std::string_view name = "Stat";
};
struct FilesMakeDirectory : detail::FilesUnary<msg::MakeDirectoryRequest, msg::MakeDirectoryResponse> {
  static constexpr std::string_view name = "MakeDirectory";
};
struct FilesRemove : detail::FilesUnary<msg::RemoveFileRequest, msg::RemoveFileResponse> {
  static constexpr std::string_view name = "Remove";
};
struct FilesRename : detail::FilesUnary<msg::RenameFileRequest, msg::RenameFileResponse> {
  static constexpr std::string_view name = "Rename";
};

struct TunnelsConnect
    : detail::Streaming<msg::TunnelRequest, msg::TunnelResponse, msg::TunnelData, msg::TunnelData> {
  static constexpr std::string_view service = tunnels_service;
  static constexpr std::string_view name = "Connect";
};

// Nothing is sent by the client.
struct TunnelsListen
    : detail::Streaming<msg::ListenRequest, msg::ListenResponse, msg::TunnelData, msg::TunnelOffer> {
  static constexpr std::string_view service = tunnels_service;
  static constexpr std::string_view name = "Listen";
};

struct ShimWaitReady : detail::ShimUnary<msg::WaitReadyRequest, msg::WaitReadyResponse> {
  static constexpr std::string_view name = "WaitReady";
};
struct ShimPause : detail::ShimUnary<msg::PauseRequest, msg::PauseResponse> {
  static constexpr std::string_view name = "Pause";
};
struct ShimResume : detail::ShimUnary<msg::ResumeRequest, msg::ResumeResponse> {
  static constexpr std::string_view name = "Resume";
};
struct ShimWaitEnd : detail::ShimUnary<msg::WaitEndRequest, msg::WaitEndResponse> {
  static constexpr std::string_view name = "WaitEnd";
};
struct ShimStop : detail::ShimUnary<msg::StopRequest, msg::StopResponse> {
  static constexpr std::string_view name = "Stop";
};
struct ShimRename : detail::ShimUnary<msg::RenameBoxRequest, msg::RenameBoxResponse> {
  static constexpr std::string_view name = "Rename";
};
struct ShimLetGo : detail::ShimUnary<msg::LetGoRequest, msg::LetGoResponse> {
  static constexpr std::string_view name = "LetGo";
};

struct FoldersAdd : detail::FoldersUnary<msg::AddFolderRequest, msg::AddFolderResponse> {
  static constexpr std::string_view name = "Add";
};
struct FoldersRemove : detail::FoldersUnary<msg::RemoveFolderRequest, msg::RemoveFolderResponse> {
  static constexpr std::string_view name = "Remove";
};
struct ShimAttachFolder : detail::ShimUnary<msg::AttachFolderRequest, msg::AttachFolderResponse> {
  static constexpr std::string_view name = "AttachFolder";
};
struct ShimDetachFolder : detail::ShimUnary<msg::DetachFolderRequest, msg::DetachFolderResponse> {
  static constexpr std::string_view name = "DetachFolder";
};
struct ShimPublish : detail::ShimUnary<msg::PublishRequest, msg::PublishResponse> {
  static constexpr std::string_view name = "Publish";
};
struct ShimUnpublish : detail::ShimUnary<msg::UnpublishRequest, msg::UnpublishResponse> {
  static constexpr std::string_view name = "Unpublish";
};
struct ShimNetworkCounters : detail::ShimUnary<msg::NetworkCountersRequest, msg::NetworkCountersResponse> {
  static constexpr std::string_view name = "NetworkCounters";
};
struct ShimCapture : detail::ShimUnary<msg::CaptureRequest, msg::CaptureResponse> {
  static constexpr std::string_view name = "Capture";
};

struct ShimSetNetworkPolicy : detail::ShimUnary<msg::SetNetworkPolicyRequest, msg::SetNetworkPolicyResponse> {
  static constexpr std::string_view name = "SetNetworkPolicy";
};
struct ShimNextNetworkQuestion
    : detail::ShimUnary<msg::NextNetworkQuestionRequest, msg::NextNetworkQuestionResponse> {
  static constexpr std::string_view name = "NextNetworkQuestion";
};

template <typename M>
concept Method = requires {
  typename M::Request;
  typename M::Response;
  { M::service } -> std::convertible_to<std::string_view>;
  { M::name } -> std::convertible_to<std::string_view>;
  { M::is_streaming } -> std::convertible_to<bool>;
};
template <typename M>
concept StreamingMethod = Method<M> && M::is_streaming;

// Serializes straight into the writer. Fails (invalid_argument) when the message does not fit into a frame of
// its type.
Result<void> write_request(FrameWriter& writer, std::uint32_t stream, std::string_view service,
                           std::string_view method, const google::protobuf::MessageLite& message,
                           bool is_streaming);
Result<void> write_response(FrameWriter& writer, std::uint32_t stream,
                            const google::protobuf::MessageLite& message);
void write_error(FrameWriter& writer, std::uint32_t stream, const Error& error);
// Returns the payload bytes that count against the credit.
Result<std::uint32_t> write_data(FrameWriter& writer, std::uint32_t stream,
                                 const google::protobuf::MessageLite& message);

template <Method M>
Result<void> write_request(FrameWriter& writer, std::uint32_t stream, const typename M::Request& request) {
  return write_request(writer, stream, M::service, M::name, request, M::is_streaming);
}

// A message from a payload; corrupted when it is not one.
Result<void> parse_message(std::string_view payload, google::protobuf::MessageLite& message);

template <typename Message>
Result<Message> parse(std::string_view payload) {
  Message message;
  BOXLITE_TRY(parse_message(payload, message));
  return message;
}

// What a response frame says: the method's answer, or the error of its status.
Result<void> parse_response(std::string_view payload, google::protobuf::MessageLite& message);

template <Method M>
Result<typename M::Response> parse_response(std::string_view payload) {
  typename M::Response response;
  BOXLITE_TRY(parse_response(payload, response));
  return response;
}

}  // namespace boxlite::wire
