// SPDX-License-Identifier: Apache-2.0
// Errors of the runtime itself. How a program inside a box ended is never an Error: see ExitStatus.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#define BOXLITE_API __attribute__((visibility("default")))

namespace boxlite {

// What the caller can do about it. The names are the same in C, REST, Python and Node.
enum class ErrorCode {
  internal,            // a bug in BoxLite: report it
  invalid_argument,    // the request itself is wrong: change it
  not_found,           // no such box, image, file, execution
  already_exists,      // the name is taken
  invalid_state,       // legal in another state of the box
  unsupported,         // not possible on this host, or not built yet
  unavailable,         // a peer (registry, network) did not answer: may work later
  resource_exhausted,  // disk, memory or a configured limit is full
  permission_denied,   // the host or a registry refused
  corrupted,           // stored or received bytes are not what they claim to be
  timed_out,           // the deadline passed
  cancelled,           // the caller asked to stop
  stopped,             // the box or the runtime went away underneath the call
};

// The stable snake_case name of a code, as in the enum. Thread-safe.
BOXLITE_API std::string_view name(ErrorCode code);

// A failed operation: a code, one message that holds the whole cause chain ("start box \"web\": open
// \"/dev/kvm\": Permission denied") and, where there is one, a remedy in a sentence. An immutable value.
class BOXLITE_API Error {
 public:
  Error(ErrorCode code, std::string message, int os_error = 0);

  ErrorCode code() const { return code_; }
  const std::string& message() const { return message_; }
  const std::string& remedy() const { return remedy_; }
  // The errno behind it, 0 when there is none.
  int os_error() const { return os_error_; }
  // True when the same call may succeed later without a change by the caller.
  bool retryable() const;

  // The same error seen from one level up: `what` names the outer operation and its object, never the cause.
  Error context(std::string_view what) &&;
  // The first remedy set wins: the one nearest to the cause knows best.
  Error with_remedy(std::string_view remedy) &&;

 private:
  ErrorCode code_;
  int os_error_;
  std::string message_;
  std::string remedy_;
};

// The value, or why there is none.
template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
  using std::expected<T, Error>::expected;
};

}  // namespace boxlite
