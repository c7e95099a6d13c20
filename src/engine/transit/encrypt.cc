// POST encrypt/:name (reference/transit.md §5.3).

#include <fmt/format.h>

#include <array>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kMissingKey = "encryption key not found";

// What an encrypted item takes in the answer beside its plaintext's text.
constexpr std::size_t kItemOverhead = 128;

Result<const KeyTypeInfo*> upsert_type(std::string_view name) {
  const KeyTypeInfo* type = find_key_type(name);
  if (type != nullptr && type->upserts) return type;
  if (name == "ecdsa-p256" || name == "ecdsa-p384" || name == "ecdsa-p521") {
    return fail(invalid_argument(
        fmt::format("key type {} not supported for this operation", name)));
  }
  return fail(invalid_argument(fmt::format("unknown key type {}", name)));
}

std::size_t answer_bytes(const std::vector<BatchItem>& items) {
  std::size_t bytes = 0;
  for (const BatchItem& item : items) {
    bytes += item.plaintext.size() + item.reference.size() + kItemOverhead;
  }
  return bytes;
}

}  // namespace

Result<bool> TransitBackend::encrypt_exists(const Request& request,
                                            Context& context) {
  TRY_ASSIGN(const Key* key, find_key(request.param("name"), context));
  return key != nullptr;
}

Result<bool> TransitBackend::upsert(const Request& request, bool derived,
                                    Context& context) {
  const api::Fields& fields = request.fields;
  const bool convergent = fields.boolean("convergent_encryption");
  if (convergent && !derived) {
    return fail(invalid_argument(
        "convergent encryption requires derivation to be enabled, so context "
        "is required"));
  }
  TRY_ASSIGN(const KeyTypeInfo* type,
             upsert_type(fields.text("type", "aes256-gcm96")));
  if (!context.may_block) return fail(would_block());
  TRY_ASSIGN(const bool disabled, upsert_disabled());
  if (disabled) {
    TRY(require_key(request.param("name"), context, kMissingKey));
    return false;
  }
  KeyRecord wanted;
  wanted.type = type->type;
  wanted.derived = derived;
  wanted.convergent = convergent;
  wanted.kdf = derived ? Kdf::kHkdfSha256 : Kdf::kCounter;
  TRY_ASSIGN(const auto made,
             keys_.create(request.param("name"), wanted, context.now));
  return made.created;
}

Result<api::Response> TransitBackend::encrypt(const Request& request,
                                              Context& context) {
  TransitLoop& loop = loop_of(context);
  const auto batch = request.fields.raw("batch_input");
  if (batch) {
    TRY(parse_batch(*batch, BatchNeed::kPlaintext, loop.items));
  } else if (!request.fields.has("plaintext")) {
    return fail(invalid_argument("missing plaintext to encrypt"));
  }
  const bool creating = request.operation == api::Operation::kCreate;
  bool upserted = false;
  if (creating) {
    const std::string_view key_context =
        batch ? loop.items.front().context : request.fields.text("context");
    TRY_ASSIGN(upserted, upsert(request, !key_context.empty(), context));
  }
  TRY_ASSIGN(const Key* key,
             require_key(request.param("name"), context, kMissingKey));
  Cipher cipher(*key, keys_, loop, context);
  auto answer =
      batch ? encrypt_batch(request, cipher) : encrypt_single(request, cipher);
  if (!answer) return answer;
  loop.counters->add(Count::kEncrypt);
  loop.counters->add(Count::kItems, batch ? loop.items.size() : 1);
  if (creating && !upserted) {
    answer->warnings.emplace_back(
        "Attempted creation of the key during the encrypt operation, but it "
        "was created beforehand");
  }
  return answer;
}

Result<api::Response> TransitBackend::encrypt_single(const Request& request,
                                                     Cipher& cipher) {
  const api::Fields& fields = request.fields;
  const auto fits =
      check_associated(cipher.key().type(), 0, fields.text("associated_data"));
  // A plaintext that is none is told first, when it is sealed.
  if (!fits && base64_decode(fields.text("plaintext")))
    return fail(fits.error());
  TRY(cipher.set_padding(fields.text("padding_scheme"), {}));
  TRY_ASSIGN(
      const Cipher::Sealed sealed,
      cipher.seal(fields.integer("key_version"), fields.text("plaintext"),
                  fields.text("context"), fields.text("associated_data")));
  std::string data;
  data.reserve(base64_encoded_size(sealed.bytes.size()) + kItemOverhead);
  JsonWriter(data)
      .begin_object()
      .key("ciphertext")
      .base64(sealed.bytes, sealed.version->prefix())
      .member("key_version", sealed.version->number())
      .end_object();
  return Response::with_data(std::move(data));
}

Result<api::Response> TransitBackend::encrypt_batch(const Request& request,
                                                    Cipher& cipher) {
  const std::vector<BatchItem>& items = cipher.loop().items;
  cipher.expect(items.size());
  BatchAnswer answer(answer_bytes(items));
  const std::string_view padding = request.fields.text("padding_scheme");
  const auto seal = [&](const BatchItem& item) -> Result<Cipher::Sealed> {
    TRY(cipher.set_padding(item.padding.empty() ? padding : item.padding, {}));
    return cipher.seal(item.key_version, item.plaintext, item.context,
                       item.associated_data);
  };
  for (std::size_t i = 0; i < items.size(); ++i) {
    const BatchItem& item = items[i];
    if (const auto fits =
            check_associated(cipher.key().type(), i, item.associated_data);
        !fits && base64_decode(item.plaintext)) [[unlikely]] {
      answer.note(fits.error().message(), item.reference);
      continue;
    }
    const auto sealed = seal(item);
    if (sealed) {
      answer.ciphertext(sealed->version->prefix(), sealed->bytes,
                        sealed->version->number(), item.reference);
      continue;
    }
    if (!is_item_error(sealed.error())) return fail(sealed.error());
    answer.error(sealed.error(), item.reference);
  }
  return std::move(answer).with_item_status(request);
}

}  // namespace bulla::engine::transit
