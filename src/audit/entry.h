#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/device.h"

namespace bulla::audit {

/// The `data` of an answer as a line shows it.
struct ResponseData {
  std::optional<JsonObject> object;
  std::string_view raw;  ///< A body that is no JSON object; hashed whole.
};

/// Formats lines for one device, keeping what repeats from line to line: the
/// hashed `auth` of the tokens seen last, and the `auth` and `request` of the
/// request just written, which its response repeats. Not thread-safe.
class EntryWriter {
 public:
  explicit EntryWriter(const Device& device);
  ~EntryWriter();

  /// Appends one line, newline included. `time` is RFC 3339.
  void append_request(std::string& out, std::string_view time,
                      const Event& event);
  void append_response(std::string& out, std::string_view time,
                       const Event& event, const ResponseData& data);

 private:
  struct Who;
  struct Where;
  struct Last;

  const Who& who(const Event& event);
  std::string_view where(const Event& event);
  bool repeats(const Event& event) const;
  void append_common(std::string& out, const Event& event);
  void append_request_object(std::string& out, const Event& event,
                             const Who& who);
  void append_response_object(std::string& out, const Event& event,
                              const ResponseData& data);
  void append_response_data(std::string& out, const Event& event,
                            const ResponseData& data) const;
  void append_raw(std::string& out, const Event& event, std::string_view body,
                  const Redactor& redactor) const;
  void append_headers(std::string& out,
                      std::span<const HeaderValue> headers) const;
  void append_response_auth(std::string& out, const api::Auth& auth) const;
  void append_wrap_info(std::string& out, const api::WrapInfo& info) const;
  void append_secret(std::string& out, std::string_view value) const;
  void append_accessor(std::string& out, std::string_view value) const;
  void fill(Who& who, const Event& event) const;
  void fill_auth(std::string& out, const Event& event) const;

  const Device& device_;
  std::vector<Who> known_;  // direct-mapped by the token's hash
  std::unique_ptr<Who> unknown_;
  std::unique_ptr<Where> where_;
  std::unique_ptr<Last> last_;
};

/// Times as RFC3339Nano, at the cost of a few copies within one second. Not
/// thread-safe.
class TimeText {
 public:
  /// Holds until the next call.
  std::string_view format(Time time);

 private:
  std::int64_t second_ = -1;
  std::size_t prefix_ = 0;  // "2026-01-02T03:04:05"
  std::string text_;
};

}  // namespace bulla::audit
