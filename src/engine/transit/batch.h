#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace bulla::engine::transit {

/// One member of batch_input. Views into the parsed request, and `numbers`.
struct BatchItem {
  std::string_view plaintext;
  std::string_view ciphertext;
  std::string_view context;
  std::string_view associated_data;
  std::string_view reference;
  std::int64_t key_version = 0;
  // Of RSA keys; views of what was given, empty for the request's own.
  std::string_view padding;        ///< padding_scheme
  std::string_view seal_padding;   ///< encrypt_padding_scheme, of rewrap
  std::string_view open_padding;   ///< decrypt_padding_scheme, of rewrap
  std::list<std::string> numbers;  ///< Given where rewrap reads text.
};

/// The member an item cannot do without: its absence fails the whole request.
enum class BatchNeed : std::uint8_t { kNothing, kPlaintext, kCiphertext };

/// Reads batch_input of encrypt, decrypt and rewrap into `items` (cleared
/// first), and checks that all items have a context or none.
///   kInternal         "failed to parse batch input: …", its faults a line
///                     each.
///   kInvalidArgument  no items, or contexts in some of them only.
Result<void> parse_batch(const JsonElement& input, BatchNeed need,
                         std::vector<BatchItem>& items);

/// One member of batch_input of sign, verify, hmac and cmac, whose members are
/// all strings, or numbers that are read as such. What is absent is told from
/// what is empty.
struct MacItem {
  bool has_input = false;
  bool has_hmac = false;
  bool has_cmac = false;
  bool has_signature = false;
  std::string_view input;
  std::string_view context;
  std::string_view hmac;
  std::string_view cmac;
  std::string_view signature;
  std::string_view reference;
  std::list<std::string> numbers;  ///< Given in the place of strings.
};

/// Errors as parse_batch.
Result<void> parse_mac_batch(const JsonElement& input,
                             std::vector<MacItem>& items);

/// What Go calls the type of a JSON value, for error texts.
std::string_view go_type_name(const JsonElement& element);

}  // namespace bulla::engine::transit
