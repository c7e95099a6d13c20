// POST rewrap/:name (reference/transit.md §5.5): decrypts and encrypts again,
// the plaintext staying inside. Associated data is no part of it.

#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kItemOverhead = 128;

Result<Cipher::Sealed> rewrap_item(Cipher& cipher, const BatchItem& item) {
  if (item.ciphertext.empty()) {
    return fail(invalid_argument("missing ciphertext to decrypt"));
  }
  TRY(cipher.set_padding(item.seal_padding, item.open_padding));
  TRY_ASSIGN(const ByteView plaintext,
             cipher.open(item.ciphertext, item.context, {}));
  auto sealed =
      cipher.seal_bytes(item.key_version, plaintext, item.context, {});
  cipher.wipe_opened();
  return sealed;
}

Result<api::Response> rewrap_single(const api::Request& request,
                                    Cipher& cipher) {
  BatchItem item;
  item.ciphertext = request.fields.text("ciphertext");
  item.context = request.fields.text("context");
  item.key_version = request.fields.integer("key_version");
  item.seal_padding = request.fields.text("encrypt_padding_scheme");
  item.open_padding = request.fields.text("decrypt_padding_scheme");
  TRY_ASSIGN(const Cipher::Sealed sealed, rewrap_item(cipher, item));
  std::string data;
  data.reserve(base64_encoded_size(sealed.bytes.size()) + kItemOverhead);
  JsonWriter(data)
      .begin_object()
      .key("ciphertext")
      .base64(sealed.bytes, sealed.version->prefix())
      .member("key_version", sealed.version->number())
      .end_object();
  return api::Response::with_data(std::move(data));
}

Result<api::Response> rewrap_batch(const api::Request& request,
                                   Cipher& cipher) {
  std::size_t bytes = 0;
  std::vector<BatchItem>& items = cipher.loop().items;
  const std::string_view seal = request.fields.text("encrypt_padding_scheme");
  const std::string_view open = request.fields.text("decrypt_padding_scheme");
  for (BatchItem& item : items) {
    if (item.seal_padding.empty()) item.seal_padding = seal;
    if (item.open_padding.empty()) item.open_padding = open;
    bytes += item.ciphertext.size() + item.reference.size() + kItemOverhead;
  }
  cipher.expect(items.size());
  BatchAnswer answer(bytes);
  for (const BatchItem& item : items) {
    const auto sealed = rewrap_item(cipher, item);
    if (sealed) {
      answer.ciphertext(sealed->version->prefix(), sealed->bytes,
                        sealed->version->number(), item.reference);
      continue;
    }
    // Only the caller's errors are items' here.
    if (sealed.error().code() != ErrorCode::kInvalidArgument) {
      return fail(sealed.error());
    }
    answer.error(sealed.error(), item.reference);
  }
  return std::move(answer).always_ok();
}

}  // namespace

Result<api::Response> TransitBackend::rewrap(const Request& request,
                                             Context& context) {
  TransitLoop& loop = loop_of(context);
  const auto batch = request.fields.raw("batch_input");
  if (batch) {
    TRY(parse_batch(*batch, BatchNeed::kNothing, loop.items));
  } else if (request.fields.text("ciphertext").empty()) {
    return fail(invalid_argument("missing ciphertext to decrypt"));
  }
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "encryption key not found"));
  Cipher cipher(*key, keys_, loop, context);
  auto answer =
      batch ? rewrap_batch(request, cipher) : rewrap_single(request, cipher);
  if (!answer) return answer;
  loop.counters->add(Count::kRewrap);
  loop.counters->add(Count::kItems, batch ? loop.items.size() : 1);
  return answer;
}

}  // namespace bulla::engine::transit
