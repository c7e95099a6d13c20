// POST hmac/:name[/:urlalgorithm] (reference/transit.md §8).

#include <utility>

#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/mac.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kMissingInput = "missing input for HMAC";
constexpr std::size_t kItemBytes = 160;

struct Mac {
  const KeyVersion& version;
  crypto::HashAlgorithm algorithm;
};

Result<api::Response> hmac_single(const api::Request& request, Mac mac,
                                  TransitLoop& loop) {
  if (!request.fields.has("input")) {
    return fail(invalid_argument(std::string(kMissingInput)));
  }
  TRY_ASSIGN(
      const crypto::Digest digest,
      mac_of(loop, mac.version, mac.algorithm, request.fields.text("input")));
  std::string data;
  data.reserve(kItemBytes);
  JsonWriter(data)
      .begin_object()
      .key("hmac")
      .base64(digest.view(), mac.version.prefix())
      .end_object();
  return api::Response::with_data(std::move(data));
}

api::Response hmac_batch(const std::vector<MacItem>& items, Mac mac,
                         TransitLoop& loop) {
  BatchAnswer answer(items.size() * kItemBytes);
  for (const MacItem& item : items) {
    if (!item.has_input) {
      answer.error(invalid_argument(std::string(kMissingInput)),
                   item.reference);
      continue;
    }
    const auto digest = mac_of(loop, mac.version, mac.algorithm, item.input);
    if (!digest) {
      answer.error(digest.error(), item.reference);
      continue;
    }
    answer.hmac(mac.version.prefix(), digest->view(), item.reference);
  }
  return std::move(answer).always_ok();
}

std::string_view algorithm_name(const api::Fields& fields) {
  const std::string_view in_url = fields.text("urlalgorithm");
  return in_url.empty() ? fields.text("algorithm", "sha2-256") : in_url;
}

}  // namespace

Result<api::Response> TransitBackend::hmac(const Request& request,
                                           Context& context) {
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "encryption key not found"));
  TransitLoop& loop = loop_of(context);
  Cipher cipher(*key, keys_, loop, context);
  TRY_ASSIGN(const KeyVersion* version,
             version_to_mac(cipher, request.fields.integer("key_version")));
  TRY_ASSIGN(const auto algorithm,
             mac_algorithm(algorithm_name(request.fields)));
  loop.counters->add(Count::kHmac);
  const auto batch = request.fields.raw("batch_input");
  if (!batch) {
    loop.counters->add(Count::kItems);
    return hmac_single(request, {*version, algorithm}, loop);
  }
  std::vector<MacItem>& items = loop.mac_items;
  TRY(parse_mac_batch(*batch, items));
  loop.counters->add(Count::kItems, items.size());
  return hmac_batch(items, {*version, algorithm}, loop);
}

}  // namespace bulla::engine::transit
