#include "cli/transit_import.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>

#include "cli/key_material.h"
#include "cli/key_values.h"
#include "cli/paths.h"

namespace bulla::cli {
namespace {

using crypto::HashAlgorithm;

constexpr std::string_view kGive =
    "give the name of a file, or - for standard input";

// "transit/keys/orders" in its parts.
struct Target {
  std::string mount;  // "transit"
  std::string name;   // "orders"
};

std::optional<Target> parse_target(std::string_view argument) {
  constexpr std::string_view kKeys = "/keys/";
  const std::string path = clean_path(argument);
  const auto at = path.rfind(kKeys);
  if (at == std::string::npos || at == 0) return std::nullopt;
  Target target{path.substr(0, at), path.substr(at + kKeys.size())};
  if (target.name.find('/') != std::string::npos) return std::nullopt;
  return target;
}

// As import's hash_function names them.
std::optional<HashAlgorithm> oaep_hash(std::string name) {
  struct Row {
    std::string_view name;
    HashAlgorithm algorithm;
  };
  static constexpr std::array<Row, 5> kRows = {{
      {"SHA1", HashAlgorithm::kSha1},
      {"SHA224", HashAlgorithm::kSha2_224},
      {"SHA256", HashAlgorithm::kSha2_256},
      {"SHA384", HashAlgorithm::kSha2_384},
      {"SHA512", HashAlgorithm::kSha2_512},
  }};
  if (name.empty()) return HashAlgorithm::kSha2_256;
  for (char& c : name) c = static_cast<char>(std::toupper(c));
  const auto* const row = std::ranges::find(kRows, name, &Row::name);
  if (row == kRows.end()) return std::nullopt;
  return row->algorithm;
}

bool reads_input(const std::string& argument) {
  return argument == "-" || argument.ends_with("=-");
}

Result<KeyMaterial> read_material(Invocation& call) {
  std::string source = call.argument(1);
  const bool input = source == "-";
  if (source.starts_with('@')) source.erase(0, 1);
  auto text = input ? call.host().console.read_input() : read_file(source);
  // The argument itself stays out of it: it may be the key.
  if (!text) {
    return fail(invalid_argument(input ? text.error().message()
                                       : "the file cannot be read"));
  }
  const WipeGuard guard(
      {reinterpret_cast<std::uint8_t*>(text->data()), text->size()});
  return parse_key_material(as_bytes(*text), call.flags().on("raw"));
}

// The key in the body, wrapped where it is secret. An exit code where it cannot
// be done.
std::optional<int> add_material(Invocation& call, const std::string& mount,
                                const KeyMaterial& material, Value& body) {
  if (!material.public_key.empty()) {
    body.set("public_key", Value::string(material.public_key));
    return std::nullopt;
  }
  const auto hash = oaep_hash(body.text_of("hash_function"));
  if (!hash) {
    return call.misuse(
        "hash_function must be SHA1, SHA224, SHA256, SHA384 or SHA512");
  }
  const auto answer = call.api().get(mount + "/wrapping_key");
  if (!answer) return call.fail("Error reading wrapping key", answer.error());
  const Value* const data = answer->json.find("data");
  crypto::SystemRng rng;
  const auto wrapped =
      wrap_for_import(data == nullptr ? "" : data->text_of("public_key"), *hash,
                      material.secret, rng);
  if (!wrapped) {
    call.refuse("Error wrapping the key: " + wrapped.error().message());
    return 2;
  }
  body.set("ciphertext", Value::string(*wrapped));
  return std::nullopt;
}

int import_to(Invocation& call, std::string_view operation) {
  const auto target = parse_target(call.argument(0));
  if (!target) {
    return call.misuse(
        "PATH must be MOUNT/keys/NAME, as in transit/keys/orders");
  }
  const auto& all = call.arguments();
  const std::vector<std::string> rest(all.begin() + 2, all.end());
  if (call.argument(1) == "-" && std::ranges::any_of(rest, reads_input)) {
    return call.misuse("standard input can be read only once");
  }
  KeyValueReader reader(call.host().console);
  auto body = reader.read(rest, 3);
  if (!body) return call.misuse(body.error().message());
  const auto material = read_material(call);
  if (!material) {
    return call.refuse("Error reading the key: " + material.error().message(),
                       kGive);
  }
  if (const auto code = add_material(call, target->mount, *material, *body)) {
    return *code;
  }
  const std::string path = target->mount + "/keys/" + target->name;
  const auto answer =
      call.api().call({.method = "PUT",
                       .path = path + "/" + std::string(operation),
                       .body = *std::move(body),
                       .user_data = true});
  if (!answer) return call.fail("Error importing to " + path, answer.error());
  return call.done("Success! Imported the key to: " + path);
}

}  // namespace

int import_key(Invocation& call) { return import_to(call, "import"); }
int import_key_version(Invocation& call) {
  return import_to(call, "import_version");
}

}  // namespace bulla::cli
