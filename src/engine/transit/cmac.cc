// POST cmac/:name[/:url_mac_length]: AES-CMAC by keys of type aes*-cmac (NIST
// SP 800-38B), as Vault Enterprise offers it.

#include <fmt/format.h>

#include <utility>

#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/mac.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kMissingInput = "missing input for CMAC";
constexpr std::size_t kItemBytes = 96;

Result<api::Response> cmac_single(const api::Request& request,
                                  const KeyVersion& version, std::size_t length,
                                  TransitLoop& loop) {
  if (!request.fields.has("input")) {
    return fail(invalid_argument(std::string(kMissingInput)));
  }
  TRY_ASSIGN(const crypto::CmacTag tag,
             cmac_of(loop, version, request.fields.text("input")));
  std::string data;
  data.reserve(kItemBytes);
  JsonWriter(data)
      .begin_object()
      .key("cmac")
      .base64(ByteView(tag).first(length), version.prefix())
      .end_object();
  return api::Response::with_data(std::move(data));
}

api::Response cmac_batch(const KeyVersion& version, std::size_t length,
                         TransitLoop& loop) {
  const std::vector<MacItem>& items = loop.mac_items;
  BatchAnswer answer(items.size() * kItemBytes);
  for (const MacItem& item : items) {
    if (!item.has_input) {
      answer.error(invalid_argument(std::string(kMissingInput)),
                   item.reference);
      continue;
    }
    const auto tag = cmac_of(loop, version, item.input);
    if (!tag) {
      answer.error(tag.error(), item.reference);
      continue;
    }
    answer.cmac(version.prefix(), ByteView(*tag).first(length), item.reference);
  }
  return std::move(answer).always_ok();
}

}  // namespace

Result<api::Response> TransitBackend::cmac(const Request& request,
                                           Context& context) {
  TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                         "encryption key not found"));
  TRY_ASSIGN(const std::size_t length, cmac_length(request.fields));
  TransitLoop& loop = loop_of(context);
  Cipher cipher(*key, keys_, loop, context);
  TRY_ASSIGN(const KeyVersion* version,
             version_to_cmac(cipher, request.fields.integer("key_version")));
  loop.counters->add(Count::kCmac);
  const auto batch = request.fields.raw("batch_input");
  if (!batch) {
    loop.counters->add(Count::kItems);
    return cmac_single(request, *version, length, loop);
  }
  TRY(parse_mac_batch(*batch, loop.mac_items));
  loop.counters->add(Count::kItems, loop.mac_items.size());
  return cmac_batch(*version, length, loop);
}

}  // namespace bulla::engine::transit
