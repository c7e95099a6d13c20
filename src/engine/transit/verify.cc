// POST verify/:name[/:urlalgorithm] (reference/transit.md §7, §8): HMACs of any
// key. No type of key here signs, so signatures are refused by type.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/mac.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kItemBytes = 64;

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

MacItem single_item(const api::Fields& fields) {
  return {.has_input = true,
          .has_hmac = fields.has("hmac"),
          .has_signature = fields.has("signature"),
          .input = fields.text("input"),
          .hmac = fields.text("hmac"),
          .signature = fields.text("signature"),
          .reference = {}};
}

// Whether HMACs are to be verified; signatures otherwise. All or none.
Result<bool> wants_hmac(const std::vector<MacItem>& items, bool batch) {
  if (!batch) {
    const MacItem& item = items.front();
    if (item.has_hmac && item.has_signature) {
      return invalid("provide one of 'signature' or 'hmac'");
    }
    if (!item.has_hmac && !item.has_signature) {
      return invalid(
          "neither a 'signature' nor an 'hmac' were given to verify");
    }
    return item.has_hmac;
  }
  const auto signature = [](const MacItem& i) { return i.has_signature; };
  const auto hmac = [](const MacItem& i) {
    return i.has_hmac && !i.has_signature;
  };
  const auto none = [](const MacItem& i) {
    return !i.has_hmac && !i.has_signature;
  };
  const bool signatures = std::ranges::any_of(items, signature);
  const bool hmacs = std::ranges::any_of(items, hmac);
  const bool missing = std::ranges::any_of(items, none);
  if (signatures && hmacs) {
    return invalid(
        "elements of batch_input must all provide 'signature' or all provide "
        "'hmac'");
  }
  if (missing && signatures) {
    return invalid("some elements of batch_input are missing 'signature'");
  }
  if (missing && hmacs) {
    return invalid("some elements of batch_input are missing 'hmac'");
  }
  if (missing) {
    return invalid("no batch_input elements have 'signature' or 'hmac'");
  }
  return hmacs;
}

std::string_view algorithm_name(const api::Fields& fields) {
  const std::string_view in_url = fields.text("urlalgorithm");
  return in_url.empty() ? fields.text("hash_algorithm", "sha2-256") : in_url;
}

Result<bool> verify_item(Cipher& cipher, crypto::HashAlgorithm algorithm,
                         const MacItem& item) {
  if (!item.has_input) return invalid("missing input");
  return mac_holds(cipher, algorithm, item.input, item.hmac);
}

Result<api::Response> verify_hmacs(const std::vector<MacItem>& items,
                                   bool batch, Cipher& cipher,
                                   crypto::HashAlgorithm algorithm) {
  if (!batch) {
    TRY_ASSIGN(const bool valid, verify_item(cipher, algorithm, items.front()));
    std::string data;
    JsonWriter(data).begin_object().member("valid", valid).end_object();
    return api::Response::with_data(std::move(data));
  }
  BatchAnswer answer(items.size() * kItemBytes);
  for (const MacItem& item : items) {
    const auto valid = verify_item(cipher, algorithm, item);
    if (valid) {
      answer.hmac_validity(*valid, item.reference);
      continue;
    }
    if (!is_item_error(valid.error())) return fail(valid.error());
    answer.error(valid.error(), item.reference);
  }
  return std::move(answer).always_ok();
}

}  // namespace

Result<api::Response> TransitBackend::verify(const Request& request,
                                             Context& context) {
  TransitLoop& loop = loop_of(context);
  std::vector<MacItem>& items = loop.mac_items;
  const auto batch = request.fields.raw("batch_input");
  if (batch) {
    TRY(parse_mac_batch(*batch, items));
  } else {
    items.assign(1, single_item(request.fields));
  }
  TRY_ASSIGN(const bool hmacs, wants_hmac(items, batch.has_value()));
  const std::string_view name = request.param("name");
  const std::string_view hash = algorithm_name(request.fields);
  if (!hmacs) {
    if (hash != "none" && !crypto::hash_algorithm_named(hash)) {
      return invalid(fmt::format("invalid hash algorithm \"{}\"", hash));
    }
    TRY_ASSIGN(const Key* key, require_key(name, context,
                                           "signature verification key not "
                                           "found"));
    return invalid(fmt::format("key type {} does not support verification",
                               key->type().name));
  }
  TRY_ASSIGN(const Key* key,
             require_key(name, context, "encryption key not found"));
  TRY_ASSIGN(const auto algorithm, mac_algorithm(hash));
  Cipher cipher(*key, keys_, loop, context);
  auto answer = verify_hmacs(items, batch.has_value(), cipher, algorithm);
  if (!answer) return answer;
  loop.counters->add(Count::kVerify);
  loop.counters->add(Count::kItems, items.size());
  return answer;
}

}  // namespace bulla::engine::transit
