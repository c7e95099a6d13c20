// POST verify/:name[/:urlalgorithm] (reference/transit.md §7, §8): signatures,
// HMACs and CMACs.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "engine/transit/batch_answer.h"
#include "engine/transit/mac.h"
#include "engine/transit/signature.h"
#include "engine/transit/transit.h"

namespace bulla::engine::transit {
namespace {

constexpr std::size_t kItemBytes = 64;

tl::unexpected<Error> invalid(std::string_view text) {
  return fail(invalid_argument(std::string(text)));
}

enum class Proof : std::uint8_t { kSignature, kHmac, kCmac };
constexpr std::size_t kProofs = 3;

std::string_view field_of(Proof proof) {
  switch (proof) {
    case Proof::kSignature:
      return "signature";
    case Proof::kHmac:
      return "hmac";
    case Proof::kCmac:
      break;
  }
  return "cmac";
}

MacItem single_item(const api::Fields& fields) {
  MacItem item;
  item.has_input = true;
  item.has_hmac = fields.has("hmac");
  item.has_cmac = fields.has("cmac");
  item.has_signature = fields.has("signature");
  item.input = fields.text("input");
  item.context = fields.text("context");
  item.hmac = fields.text("hmac");
  item.cmac = fields.text("cmac");
  item.signature = fields.text("signature");
  return item;
}

// Which proof an item brings; a signature goes before the others.
std::optional<Proof> proof_of(const MacItem& item) {
  if (item.has_signature) return Proof::kSignature;
  if (item.has_hmac) return Proof::kHmac;
  if (item.has_cmac) return Proof::kCmac;
  return std::nullopt;
}

Result<Proof> single_proof(const MacItem& item) {
  if (const auto proof = proof_of(item)) return *proof;
  return invalid("neither a 'signature' nor an 'hmac' were given to verify");
}

Result<void> check_single(const MacItem& item) {
  const int given =
      int{item.has_signature} + int{item.has_hmac} + int{item.has_cmac};
  if (given <= 1) return {};
  return item.has_cmac ? invalid("provide one of 'signature', 'hmac' or 'cmac'")
                       : invalid("provide one of 'signature' or 'hmac'");
}

// All items must bring the same.
Result<Proof> batch_proof(const std::vector<MacItem>& items) {
  std::array<std::size_t, kProofs> seen{};
  for (const MacItem& item : items) {
    if (const auto proof = proof_of(item)) {
      ++seen[static_cast<std::size_t>(*proof)];
    }
  }
  const auto found = std::ranges::find_if(seen, [](auto n) { return n != 0; });
  if (found == seen.end()) {
    return invalid("no batch_input elements have 'signature' or 'hmac'");
  }
  const auto proof = static_cast<Proof>(found - seen.begin());
  const std::size_t all = seen[0] + seen[1] + seen[2];
  if (*found != all) {
    return invalid(
        seen[static_cast<std::size_t>(Proof::kCmac)] == 0
            ? "elements of batch_input must all provide 'signature' or all "
              "provide 'hmac'"
            : "elements of batch_input must all provide 'signature', all "
              "provide 'hmac' or all provide 'cmac'");
  }
  if (all != items.size()) {
    return invalid(fmt::format("some elements of batch_input are missing '{}'",
                               field_of(proof)));
  }
  return proof;
}

// Runs `holds` over the items and writes the answer.
template <typename Holds>
Result<api::Response> answer_for(const std::vector<MacItem>& items, bool batch,
                                 Proof proof, Holds holds) {
  if (!batch) {
    TRY_ASSIGN(const bool valid, holds(items.front()));
    std::string data;
    JsonWriter(data).begin_object().member("valid", valid).end_object();
    return api::Response::with_data(std::move(data));
  }
  const bool signatures = proof == Proof::kSignature;
  BatchAnswer answer(items.size() * kItemBytes);
  for (const MacItem& item : items) {
    const auto valid = holds(item);
    if (!valid && !is_item_error(valid.error())) return fail(valid.error());
    if (!valid) {
      answer.error(valid.error(), item.reference,
                   signatures ? R"("valid":false,)" : "");
    } else if (signatures) {
      answer.validity(*valid, item.reference);
    } else {
      answer.hmac_validity(*valid, item.reference);
    }
  }
  return std::move(answer).always_ok();
}

Result<api::Response> verify_hmacs(const api::Request& request,
                                   const std::vector<MacItem>& items,
                                   bool batch, Cipher& cipher) {
  TRY_ASSIGN(const auto algorithm, parse_hash(request.fields));
  if (!algorithm) return invalid(kNoHash);
  return answer_for(
      items, batch, Proof::kHmac, [&](const MacItem& item) -> Result<bool> {
        if (!item.has_input) return invalid("missing input");
        return mac_holds(cipher, *algorithm, item.input, item.hmac);
      });
}

Result<api::Response> verify_cmacs(const api::Request& request,
                                   const std::vector<MacItem>& items,
                                   bool batch, Cipher& cipher) {
  TRY_ASSIGN(const std::size_t length, cmac_length(request.fields));
  return answer_for(items, batch, Proof::kCmac,
                    [&](const MacItem& item) -> Result<bool> {
                      if (!item.has_input) return invalid("missing input");
                      return cmac_holds(cipher, length, item.input, item.cmac);
                    });
}

}  // namespace

Result<api::Response> TransitBackend::verify_signatures(const Request& request,
                                                        Context& context,
                                                        bool batch) {
  TRY_ASSIGN(SignatureOptions options, parse_signature_options(request.fields));
  TRY_ASSIGN(options.scheme.hash, parse_hash(request.fields));
  TRY_ASSIGN(const Key* key,
             require_key(request.param("name"), context,
                         "signature verification key not found"));
  if (!key->type().signs) {
    return invalid(fmt::format("key type {} does not support verification",
                               key->type().name));
  }
  TRY(check_signature_options(key->type(), options));
  TransitLoop& loop = loop_of(context);
  // An HSM is waited for, and so is what else its key depends on.
  if (key->type().managed() && !context.may_block) return fail(would_block());
  if (!context.may_block && belongs_on_pool(key->type(), KeyPairUse::kPublic,
                                            loop.mac_items.size())) {
    return fail(would_compute());
  }
  Cipher cipher(*key, keys_, loop, context);
  return answer_for(loop.mac_items, batch, Proof::kSignature,
                    [&](const MacItem& item) {
                      return signature_holds(cipher, options, item);
                    });
}

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
  TRY_ASSIGN(const Proof proof,
             batch ? batch_proof(items) : single_proof(items.front()));
  // What is wrong is told in the reference's order.
  if (proof == Proof::kSignature) TRY(parse_signature_options(request.fields));
  TRY(parse_hash(request.fields));
  if (!batch) TRY(check_single(items.front()));
  auto answer = [&]() -> Answer {
    if (proof == Proof::kSignature) {
      return verify_signatures(request, context, batch.has_value());
    }
    TRY_ASSIGN(const Key* key, require_key(request.param("name"), context,
                                           "encryption key not found"));
    Cipher cipher(*key, keys_, loop, context);
    return proof == Proof::kHmac
               ? verify_hmacs(request, items, batch.has_value(), cipher)
               : verify_cmacs(request, items, batch.has_value(), cipher);
  }();
  if (!answer) return answer;
  loop.counters->add(Count::kVerify);
  loop.counters->add(Count::kItems, items.size());
  return answer;
}

}  // namespace bulla::engine::transit
