#include "engine/tools/hash.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "crypto/hash.h"

namespace bulla::engine::tools {
namespace {

tl::unexpected<Error> invalid(std::string text) {
  return fail(invalid_argument(std::move(text)));
}

// SHA-1 is offered for signatures and HMACs, not here.
std::optional<crypto::HashAlgorithm> tool_algorithm(std::string_view name) {
  const auto algorithm = crypto::hash_algorithm_named(name);
  if (algorithm == crypto::HashAlgorithm::kSha1) return std::nullopt;
  return algorithm;
}

}  // namespace

const std::vector<api::Field>& hash_fields() {
  static const std::vector<api::Field> kFields{
      {.name = "input",
       .description = "The data to hash, base64-encoded.",
       .required = true},
      {.name = "algorithm",
       .description = "sha2-224, sha2-256, sha2-384, sha2-512 or the same of "
                      "sha3.",
       .default_text = "sha2-256"},
      {.name = "urlalgorithm",
       .description = "The algorithm, as part of the URL."},
      {.name = "format",
       .description = "How the sum is written: hex or base64.",
       .default_text = "hex"},
  };
  return kFields;
}

Result<std::string> hash_json(const api::Fields& fields) {
  if (!fields.has("input")) return invalid("input missing");
  const auto input = base64_decode(fields.text("input"));
  if (!input) {
    return invalid(fmt::format("unable to decode input as base64: {}",
                               input.error().message()));
  }
  const std::string_view format = fields.text("format", "hex");
  if (format != "base64" && format != "hex") {
    return invalid(fmt::format(
        "unsupported encoding format {}; must be \"hex\" or \"base64\"",
        format));
  }
  const std::string_view in_url = fields.text("urlalgorithm");
  const std::string_view name =
      in_url.empty() ? fields.text("algorithm", "sha2-256") : in_url;
  const auto algorithm = tool_algorithm(name);
  if (!algorithm) return invalid(fmt::format("unsupported algorithm {}", name));
  const crypto::Digest sum = crypto::hash(*algorithm, *input);
  std::string data;
  JsonWriter writer(data);
  writer.begin_object().key("sum");
  if (format == "hex") {
    writer.plain(hex_encode(sum.view()));
  } else {
    writer.base64(sum.view());
  }
  writer.end_object();
  return data;
}

}  // namespace bulla::engine::tools
