#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/request.h"
#include "api/response.h"
#include "base/bytes.h"
#include "base/error.h"

namespace bulla::engine::transit {

/// Whether `error` concerns one message of a batch, and not the whole request.
bool is_item_error(const Error& error);

/// Writes {"batch_results":[…]} straight into one string and keeps account of
/// what failed. Item members come in the reference's order (§5.6).
class BatchAnswer {
 public:
  /// `bytes`: about how long the results' text will be.
  explicit BatchAnswer(std::size_t bytes);

  /// {"ciphertext":…,"key_version":…,"reference":…}
  void ciphertext(std::string_view prefix, ByteView bytes,
                  std::uint32_t key_version, std::string_view reference);
  /// {"plaintext":…,"reference":…}
  void plaintext(ByteView bytes, std::string_view reference);
  /// {"hmac":…,"reference":…}
  void hmac(std::string_view prefix, ByteView bytes,
            std::string_view reference);
  /// {"cmac":…,"reference":…}
  void cmac(std::string_view prefix, ByteView bytes,
            std::string_view reference);
  /// {"signature":…,"key_version":…,"publickey":…,"reference":…}, without
  /// `publickey` when it is empty.
  void signature(std::string_view text, std::uint32_t key_version,
                 ByteView public_key, std::string_view reference);
  /// {"valid":true,"reference":…}, without `valid` when it is false.
  void hmac_validity(bool valid, std::string_view reference);
  /// {"valid":…,"reference":…}
  void validity(bool valid, std::string_view reference);
  /// {"error":…,"reference":…}; `members` stand before them.
  void error(const Error& error, std::string_view reference,
             std::string_view members = {});

  /// An error that leaves the answer's status as it is.
  void note(std::string_view text, std::string_view reference,
            std::string_view members = {});

  /// For encrypt and decrypt: 400 (500 for internal errors alone) when items
  /// failed, or the request's partial_failure_response_code, 200 to 599, when
  /// others did not.
  api::Response with_item_status(const api::Request& request) &&;
  /// For the rest: 200 whatever the items say.
  api::Response always_ok() &&;

 private:
  void begin_item();
  void end_item(std::string_view reference);

  std::string out_;
  bool comma_ = false;
  bool success_ = false;
  bool user_error_ = false;
  bool internal_error_ = false;
};

}  // namespace bulla::engine::transit
