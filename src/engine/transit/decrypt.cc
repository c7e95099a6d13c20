// POST decrypt/:name (reference/transit.md §5.4).

#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kMissing = "missing ciphertext to decrypt";
constexpr std::string_view kNoPlaintext = "\"plaintext\":\"\",";
constexpr std::size_t kItemOverhead = 64;

Result<ByteView> open_item(Cipher& cipher, const BatchItem& item,
                           std::string_view padding) {
  if (item.ciphertext.empty()) {
    return fail(invalid_argument(std::string(kMissing)));
  }
  TRY(cipher.set_padding({}, item.padding.empty() ? padding : item.padding));
  return cipher.open(item.ciphertext, item.context, item.associated_data);
}

std::size_t answer_bytes(const std::vector<BatchItem>& items) {
  std::size_t bytes = 0;
  for (const BatchItem& item : items) {
    bytes += item.ciphertext.size() + item.reference.size() + kItemOverhead;
  }
  return bytes;
}

}  // namespace

Result<api::Response> TransitBackend::decrypt(const Request& request,
                                              Context& context) {
  TransitLoop& loop = loop_of(context);
  const auto batch = request.fields.raw("batch_input");
  if (batch) {
    TRY(parse_batch(*batch, BatchNeed::kCiphertext, loop.items));
  } else if (request.fields.text("ciphertext").empty()) {
    return fail(invalid_argument(std::string(kMissing)));
  }
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "encryption key not found"));
  Cipher cipher(*key, keys_, loop, context);
  auto answer =
      batch ? decrypt_batch(request, cipher) : decrypt_single(request, cipher);
  if (!answer) return answer;
  loop.counters->add(Count::kDecrypt);
  loop.counters->add(Count::kItems, batch ? loop.items.size() : 1);
  return answer;
}

Result<api::Response> TransitBackend::decrypt_single(const Request& request,
                                                     Cipher& cipher) {
  const api::Fields& fields = request.fields;
  const auto fits =
      check_associated(cipher.key().type(), 0, fields.text("associated_data"));
  // A context that is none is told first, when it is opened.
  if (!fits && base64_decode(fields.text("context"))) return fail(fits.error());
  TRY(cipher.set_padding({}, fields.text("padding_scheme")));
  TRY_ASSIGN(const ByteView plaintext,
             cipher.open(fields.text("ciphertext"), fields.text("context"),
                         fields.text("associated_data")));
  std::string data;
  data.reserve(base64_encoded_size(plaintext.size()) + kItemOverhead);
  JsonWriter(data)
      .begin_object()
      .key("plaintext")
      .base64(plaintext)
      .end_object();
  cipher.wipe_opened();
  return Response::with_data(std::move(data));
}

Result<api::Response> TransitBackend::decrypt_batch(const Request& request,
                                                    Cipher& cipher) {
  const std::vector<BatchItem>& items = cipher.loop().items;
  BatchAnswer answer(answer_bytes(items));
  const std::string_view padding = request.fields.text("padding_scheme");
  for (std::size_t i = 0; i < items.size(); ++i) {
    const BatchItem& item = items[i];
    if (const auto fits =
            check_associated(cipher.key().type(), i, item.associated_data);
        !fits) [[unlikely]] {
      answer.note(fits.error().message(), item.reference, kNoPlaintext);
      continue;
    }
    const auto plaintext = open_item(cipher, item, padding);
    if (plaintext) {
      answer.plaintext(*plaintext, item.reference);
      continue;
    }
    if (!is_item_error(plaintext.error())) return fail(plaintext.error());
    answer.error(plaintext.error(), item.reference, kNoPlaintext);
  }
  return std::move(answer).with_item_status(request);
}

}  // namespace bulla::engine::transit
