// POST sign/:name[/:urlalgorithm] (reference/transit.md §7).

#include <fmt/format.h>

#include <utility>

#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/signature.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kItemBytes = 192;

Result<api::Response> sign_single(const Signed& made) {
  std::string data;
  data.reserve(made.text.size() + kItemBytes);
  JsonWriter writer(data);
  writer.begin_object().member("key_version", made.version);
  if (!made.public_key.empty()) {
    writer.key("public_key").base64(made.public_key);
  }
  writer.member("signature", made.text).end_object();
  return api::Response::with_data(std::move(data));
}

Result<api::Response> sign_batch(Cipher& cipher,
                                 const SignatureOptions& options,
                                 std::int64_t key_version) {
  const std::vector<MacItem>& items = cipher.loop().mac_items;
  BatchAnswer answer(items.size() * kItemBytes);
  for (const MacItem& item : items) {
    const auto made = sign_item(cipher, options, key_version, item);
    if (made) {
      answer.signature(made->text, made->version, made->public_key,
                       item.reference);
      continue;
    }
    if (!is_item_error(made.error())) return fail(made.error());
    answer.error(made.error(), item.reference, R"("key_version":0,)");
  }
  return std::move(answer).always_ok();
}

}  // namespace

Result<api::Response> TransitBackend::sign(const Request& request,
                                           Context& context) {
  const api::Fields& fields = request.fields;
  TRY_ASSIGN(SignatureOptions options, parse_signature_options(fields));
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "signing key not found"));
  if (!key->type().signs) {
    return fail(invalid_argument(
        fmt::format("key type {} does not support signing", key->type().name)));
  }
  TRY_ASSIGN(options.scheme.hash, parse_hash(fields));
  TRY(check_signature_options(key->type(), options));
  TransitLoop& loop = loop_of(context);
  const auto batch = fields.raw("batch_input");
  if (batch) TRY(parse_mac_batch(*batch, loop.mac_items));
  const std::size_t count = batch ? loop.mac_items.size() : 1;
  // An HSM is waited for, and so is what else its key depends on.
  if (key->type().managed() && !context.may_block) return fail(would_block());
  if (!context.may_block &&
      belongs_on_pool(key->type(), KeyPairUse::kPrivate, count)) {
    return fail(would_compute());
  }
  Cipher cipher(*key, keys_, loop, context);
  const std::int64_t key_version = fields.integer("key_version");
  loop.counters->add(Count::kSign);
  loop.counters->add(Count::kItems, count);
  if (batch) return sign_batch(cipher, options, key_version);
  MacItem item;
  item.has_input = true;
  item.input = fields.text("input");
  item.context = fields.text("context");
  TRY_ASSIGN(const Signed made, sign_item(cipher, options, key_version, item));
  return sign_single(made);
}

}  // namespace bulla::engine::transit
