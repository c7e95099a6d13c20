#include "auth/approle/secret_id_input.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/field_convert.h"
#include "auth/cidr.h"
#include "base/encoding.h"
#include "base/json.h"

namespace bulla::auth {
namespace {

using Metadata = std::map<std::string, std::string>;

constexpr std::size_t kMetadataBytesMax = 16 * 1024;

std::optional<Metadata> from_json(std::string_view text) {
  JsonParser parser;
  const auto element = parse_json(parser, text);
  if (!element || !element->is_object()) return std::nullopt;
  Metadata out;
  for (const auto member : JsonObject(*element)) {
    std::string_view value;
    if (member.value.get_string().get(value)) return std::nullopt;
    out.insert_or_assign(std::string(member.key), std::string(value));
  }
  return out;
}

std::optional<Metadata> from_pairs(std::string_view text) {
  Metadata out;
  for (const std::string& part : api::split_commas(text)) {
    const auto pair = api::text_to_pair(part);
    if (!pair) return std::nullopt;
    out.insert_or_assign(pair->first, pair->second);
  }
  return out;
}

std::optional<Metadata> from_plain(std::string_view text) {
  auto metadata = from_json(text);
  return metadata ? metadata : from_pairs(text);
}

Result<void> read_uses(const api::Fields& fields, const AppRole& role,
                       SecretId& entry) {
  const std::int64_t most = role.secret_id_num_uses;
  entry.num_uses = fields.integer("num_uses", most);
  if (entry.num_uses < 0) {
    return fail(invalid_argument("num_uses cannot be negative"));
  }
  if (most > 0 && (entry.num_uses == 0 || entry.num_uses > most)) {
    return fail(invalid_argument(
        "num_uses cannot be higher than the role's secret_id_num_uses"));
  }
  return {};
}

Result<void> read_ttl(const api::Fields& fields, const AppRole& role,
                      SecretId& entry) {
  const Seconds most = role.secret_id_ttl;
  entry.ttl = fields.duration("ttl", most);
  if (most > Seconds{0} && (entry.ttl == Seconds{0} || entry.ttl > most)) {
    return fail(
        invalid_argument("ttl cannot be longer than the role's secret_id_ttl"));
  }
  return {};
}

Result<std::vector<std::string>> read_blocks(
    const api::Fields& fields, std::string_view name,
    const std::vector<std::string>& outer) {
  const auto texts = fields.strings(name);
  const auto blocks = read_cidrs(texts);
  if (!blocks) {
    return fail(internal_error(
        fmt::format("failed to validate CIDR blocks: invalid CIDR address: {}",
                    fmt::join(texts, ","))));
  }
  const bool inside = std::ranges::all_of(
      *blocks, [&](const auto& block) { return cidr_within(outer, block); });
  if (inside) return *blocks;
  return fail(internal_error(
      fmt::format("failed to verify subset relationship between CIDR blocks on "
                  "the role and CIDR blocks on the secret ID: {}",
                  name)));
}

}  // namespace

Result<Metadata> parse_metadata(std::string_view text) {
  if (text.empty()) return Metadata();
  if (text.size() > kMetadataBytesMax) {
    return fail(
        invalid_argument("failed to parse metadata: longer than 16 KiB"));
  }
  // What is base64 may look like a pair, for its padding.
  if (const auto decoded = base64_decode(text)) {
    if (auto metadata = from_plain(as_text(*decoded))) {
      return *std::move(metadata);
    }
  }
  if (auto metadata = from_plain(text)) return *std::move(metadata);
  return fail(invalid_argument(
      "failed to parse metadata: expected a JSON object of strings or "
      "\"name=value\" pairs, in base64 or not"));
}

Result<SecretId> read_secret_id(const api::Fields& fields,
                                const AppRole& role) {
  SecretId entry;
  TRY_ASSIGN(entry.cidr_list,
             read_blocks(fields, "cidr_list", role.secret_id_bound_cidrs));
  TRY_ASSIGN(entry.token_bound_cidrs,
             read_blocks(fields, "token_bound_cidrs", role.tokens.bound_cidrs));
  TRY(read_uses(fields, role, entry));
  TRY(read_ttl(fields, role, entry));
  TRY_ASSIGN(entry.metadata, parse_metadata(fields.text("metadata")));
  return entry;
}

}  // namespace bulla::auth
