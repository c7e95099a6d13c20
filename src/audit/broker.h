#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/backend.h"
#include "api/request.h"
#include "api/response.h"
#include "audit/header_record.h"
#include "barrier/barrier.h"
#include "base/published.h"

namespace bulla::audit {

class Device;  // device.h: one place lines go to

/// A device's settings, as sys/audit shows them.
struct DeviceConfig {
  std::string path;  ///< "file/".
  std::string type;  ///< "file".
  std::string description = {};
  bool local = false;
  std::map<std::string, std::string> options = {};
};

/// One value of an audited header; those of one name stand together.
struct HeaderValue {
  std::string_view name;  ///< Lower-case.
  std::string_view value;
  bool hmac = false;
};

/// What policy said of a request.
struct PolicyResult {
  bool allowed = false;
  /// Names of the policies whose rule allowed it; null for none.
  const std::vector<std::string>* granting = nullptr;
};

/// An answer that is no JSON object, such as a document of its own: a line
/// shows it hashed whole.
struct RawAnswer {
  std::string_view content_type;
  int status = 200;
};

/// What an audit line tells (reference/sys.md §9). Views live during the call.
struct Event {
  Time time;
  const api::Request* request = nullptr;
  const api::Token* token = nullptr;  ///< Null when unauthenticated.
  std::string_view client_token;      ///< HMAC'd before it is written.
  const api::MountConfig* mount = nullptr;
  const api::Response* response = nullptr;  ///< Response lines only.
  /// `data` of the answer as JSON text, "" for none.
  std::string_view response_data;
  std::string_view error;
  const PolicyResult* policy = nullptr;  ///< Null: policy was not asked.
  std::span<const HeaderValue> headers = {};
  const RawAnswer* raw = nullptr;  ///< `response_data` is such an answer.
};

using DeviceList = std::vector<std::shared_ptr<Device>>;
using HeaderList = std::vector<AuditedHeader>;

/// The enabled audit devices. Any thread.
class Broker {
 public:
  Broker(barrier::View view, crypto::Rng& rng, const Clock& clock,
         const Logger& log);
  ~Broker();

  /// After unseal. A device that cannot be opened is an error: serving without
  /// it would be serving unaudited.
  Result<void> load();
  void clear();

  /// Writes a test line first.
  ///   kInvalidArgument  "path already in use", unknown type or option, a file
  ///                     that cannot be opened.
  Result<void> enable(DeviceConfig config);
  Result<void> disable(std::string_view path);
  std::vector<DeviceConfig> list() const;
  /// "hmac-sha256:…" of `input` with that device's salt.
  ///   kInvalidArgument  "unknown audit backend \"x/\"".
  Result<std::string> hash(std::string_view path, std::string_view input) const;
  /// Reopens files (SIGHUP).
  Result<void> reopen();

  /// Has lines show the header `name`, in any case.
  ///   kInvalidArgument  no header's name, one that carries a token, or too
  ///                     many.
  Result<void> set_header(std::string_view name, bool hmac);
  /// A header that is not shown is fine.
  Result<void> remove_header(std::string_view name);

  const Published<DeviceList>& devices() const { return devices_; }
  const Published<HeaderList>& headers() const { return headers_; }

 private:
  barrier::View view_;
  crypto::Rng& rng_;
  const Clock& clock_;
  const Logger& log_;
  mutable std::mutex mutex_;
  Published<DeviceList> devices_{std::make_shared<const DeviceList>()};
  Published<HeaderList> headers_{std::make_shared<const HeaderList>()};
};

/// One loop's or worker's pen: formats lines into a buffer a device and writes
/// each buffer with one write at flush(). Not thread-safe itself.
class Recorder {
 public:
  explicit Recorder(const Broker& broker);
  ~Recorder();

  /// Some device is enabled; when false nothing else need be called.
  bool active();
  void request(const Event& event);
  void response(const Event& event);
  /// Writes what waits. False when lines waited and no device took them all:
  /// then no answer and no effect may follow.
  [[nodiscard]] bool flush();
  bool pending() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace bulla::audit
