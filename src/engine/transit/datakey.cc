// POST datakey/(plaintext|wrapped)/:name (reference/transit.md §6).

#include <fmt/format.h>

#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kAnswerBytes = 384;
constexpr std::int64_t kBitsDefault = 256;

Result<bool> wants_plaintext(std::string_view word) {
  if (word == "plaintext") return true;
  if (word == "wrapped") return false;
  return fail(
      invalid_argument("Invalid path, must be 'plaintext' or 'wrapped'"));
}

Result<void> check_context(std::string_view context) {
  if (context.empty() || base64_decode(context)) return {};
  return fail(invalid_argument("failed to base64-decode context"));
}

// It would bind nothing, and who gave it would think that it did.
Result<void> check_datakey_associated(const KeyTypeInfo& type,
                                      std::string_view associated_data) {
  if (associated_data.empty() || type.associated_data) return {};
  return fail(invalid_argument(fmt::format(
      "'associated_data' provided for non-AEAD cipher suite {}", type.name)));
}

}  // namespace

Result<api::Response> TransitBackend::datakey(const Request& request,
                                              Context& context) {
  const api::Fields& fields = request.fields;
  TRY_ASSIGN(const bool plaintext, wants_plaintext(fields.text("plaintext")));
  TRY(check_context(fields.text("context")));
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "encryption key not found"));
  const std::int64_t bits = fields.integer("bits", kBitsDefault);
  if (bits != 128 && bits != 256 && bits != 512) {
    return fail(invalid_argument("invalid bit length"));
  }
  TRY(check_datakey_associated(key->type(), fields.text("associated_data")));
  TransitLoop& loop = loop_of(context);
  Cipher cipher(*key, keys_, loop, context);
  const SecretBytes made =
      context.rng->secret(static_cast<std::size_t>(bits) / 8);
  TRY_ASSIGN(const Cipher::Sealed sealed,
             cipher.seal_bytes(fields.integer("key_version"), made.expose(),
                               fields.text("context"),
                               fields.text("associated_data")));
  std::string data;
  data.reserve(kAnswerBytes);
  JsonWriter writer(data);
  writer.begin_object()
      .key("ciphertext")
      .base64(sealed.bytes, sealed.version->prefix())
      .member("key_version", sealed.version->number());
  if (plaintext) writer.key("plaintext").base64(made.expose());
  writer.end_object();
  loop.counters->add(Count::kDatakey);
  loop.counters->add(Count::kItems);
  return Response::with_data(std::move(data));
}

}  // namespace bulla::engine::transit
