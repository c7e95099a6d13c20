#include "kek/pkcs11_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

#include "base/encoding.h"
#include "kek/key_text.h"

namespace bulla::kek {
namespace {

using Options = std::map<std::string, std::string>;

constexpr std::size_t kShownMax = 64;

struct OptionRow {
  std::string_view name;
  std::string_view alias;     ///< OpenBao's other name of it.
  std::string_view variable;  ///< Behind BULLA_HSM_ and the like.
};

constexpr OptionRow kLib = {"lib", "module", "LIB"};
constexpr OptionRow kSlot = {"slot", "", "SLOT"};
constexpr OptionRow kTokenLabel = {"token_label", "token", "TOKEN_LABEL"};
constexpr OptionRow kPin = {"pin", "", "PIN"};
constexpr OptionRow kKeyLabel = {"key_label", "label", "KEY_LABEL"};
constexpr OptionRow kKeyId = {"key_id", "", "KEY_ID"};
constexpr OptionRow kMechanism = {"mechanism", "", "MECHANISM"};
constexpr OptionRow kOaepHash = {"rsa_oaep_hash", "", "RSA_OAEP_HASH"};
constexpr OptionRow kDeviceIv = {"use_gcm_iv_from_hsm", "",
                                 "USE_GCM_IV_FROM_HSM"};
constexpr OptionRow kGenerate = {"generate_key", "", "GENERATE_KEY"};
constexpr OptionRow kParallel = {"max_parallel", "", "MAX_PARALLEL"};

constexpr OptionRow kRows[] = {kLib,      kSlot,     kTokenLabel, kPin,
                               kKeyLabel, kKeyId,    kMechanism,  kOaepHash,
                               kDeviceIv, kGenerate, kParallel};

// AES-GCM authenticates by itself, sessions are read-write, and nothing is
// encrypted outside the HSM.
constexpr std::string_view kIgnored[] = {
    "hmac_key_label",    "default_hmac_key_label",
    "hmac_key_id",       "hmac_mechanism",
    "force_rw_session",  "rsa_encrypt_local",
    "default_key_label", "disable_software_encryption",
};

Result<void> check_known(const Options& options) {
  for (const auto& option : options) {
    const std::string& key = option.first;
    if (std::ranges::find(kIgnored, key) != std::end(kIgnored)) continue;
    const bool known = std::ranges::any_of(kRows, [&](const OptionRow& row) {
      return key == row.name || key == row.alias;
    });
    if (known) continue;
    std::string names;
    for (const OptionRow& row : kRows) {
      names += fmt::format("{}{}", names.empty() ? "" : ", ", row.name);
    }
    return fail(invalid_argument(fmt::format("unknown option \"{}\"; known: {}",
                                             key.substr(0, kShownMax), names)));
  }
  return {};
}

// A view into the environment or `options`, so that no copy of a PIN is made;
// empty where it is not given.
Result<std::string_view> text_of(const Options& options, const OptionRow& row) {
  for (const std::string_view prefix :
       {"BULLA_HSM_", "BAO_HSM_", "VAULT_HSM_"}) {
    const char* const value =
        std::getenv(fmt::format("{}{}", prefix, row.variable).c_str());
    if (value != nullptr && *value != '\0') return std::string_view(value);
  }
  const auto named = options.find(std::string(row.name));
  const auto alias = options.find(std::string(row.alias));
  if (named != options.end() && alias != options.end()) {
    return fail(invalid_argument(fmt::format(
        "{} and {} are one option; take one out", row.name, row.alias)));
  }
  if (named != options.end()) return std::string_view(named->second);
  if (alias != options.end()) return std::string_view(alias->second);
  return std::string_view();
}

template <typename T>
Result<std::optional<T>> number_of(const Options& options,
                                   const OptionRow& row) {
  TRY_ASSIGN(std::string_view text, text_of(options, row));
  if (text.empty()) return std::nullopt;
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  if (hex) text.remove_prefix(2);
  T value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, status] =
      std::from_chars(text.data(), last, value, hex ? 16 : 10);
  if (status == std::errc{} && end == last) return value;
  return fail(
      invalid_argument(fmt::format("{}: expected a whole number", row.name)));
}

Result<bool> flag_of(const Options& options, const OptionRow& row) {
  TRY_ASSIGN(const std::string_view text, text_of(options, row));
  if (text.empty() || text == "false" || text == "0") return false;
  if (text == "true" || text == "1") return true;
  return fail(
      invalid_argument(fmt::format("{}: expected true or false", row.name)));
}

Result<Pkcs11Blob::Mechanism> mechanism_of(const Options& options) {
  TRY_ASSIGN(std::string_view text, text_of(options, kMechanism));
  if (text.starts_with("CKM_")) text.remove_prefix(4);
  if (text.empty() || text == "AES_GCM") return Pkcs11Blob::Mechanism::kAesGcm;
  if (text == "RSA_PKCS_OAEP") return Pkcs11Blob::Mechanism::kRsaOaep;
  const auto number = number_of<CK_ULONG>(options, kMechanism);
  if (number && *number == CKM_AES_GCM) return Pkcs11Blob::Mechanism::kAesGcm;
  if (number && *number == CKM_RSA_PKCS_OAEP) {
    return Pkcs11Blob::Mechanism::kRsaOaep;
  }
  return fail(invalid_argument(
      "mechanism: expected CKM_AES_GCM (0x1087) or CKM_RSA_PKCS_OAEP (0x9)"));
}

Result<crypto::HashAlgorithm> hash_of(const Options& options) {
  TRY_ASSIGN(const std::string_view text, text_of(options, kOaepHash));
  if (text.empty()) return crypto::HashAlgorithm::kSha2_256;
  if (text == "sha1") return crypto::HashAlgorithm::kSha1;
  for (const auto hash :
       {crypto::HashAlgorithm::kSha2_224, crypto::HashAlgorithm::kSha2_256,
        crypto::HashAlgorithm::kSha2_384, crypto::HashAlgorithm::kSha2_512}) {
    if (text == fmt::format("sha{}", crypto::hash_bytes(hash) * 8)) return hash;
  }
  return fail(invalid_argument(
      "rsa_oaep_hash: expected sha1, sha224, sha256, sha384 or sha512"));
}

Result<Pkcs11TokenOptions> token_of(const Options& options) {
  TRY_ASSIGN(Pkcs11Place place, Pkcs11KekOptions::read_place(options));
  Pkcs11TokenOptions token;
  token.module = std::move(place.module);
  token.slot = place.slot;
  token.token_label = std::move(place.token_label);
  TRY_ASSIGN(const std::string_view pin, text_of(options, kPin));
  TRY_ASSIGN(const auto parallel, number_of<unsigned>(options, kParallel));
  // Zero is Vault's word for no limit of its own.
  if (parallel && *parallel > 0) token.sessions_max = *parallel;
  if (pin.empty()) return token;
  auto text = read_secret_text(pin);
  if (!text) return fail(std::move(text).error().with_context("pin"));
  token.pin = *std::move(text);
  return token;
}

Result<void> read_key_name(const Options& options, Pkcs11KekOptions& out) {
  TRY_ASSIGN(const std::string_view label, text_of(options, kKeyLabel));
  TRY_ASSIGN(std::string_view id, text_of(options, kKeyId));
  if (id.starts_with("0x")) id.remove_prefix(2);
  auto decoded = hex_decode(id);
  if (!decoded || decoded->size() > Pkcs11KekOptions::kIdBytesMax) {
    return fail(invalid_argument(
        fmt::format("key_id: expected hexadecimal, at most {} bytes",
                    Pkcs11KekOptions::kIdBytesMax)));
  }
  if (label.size() > Pkcs11KekOptions::kLabelBytesMax) {
    return fail(invalid_argument(fmt::format(
        "key_label: longer than {} bytes", Pkcs11KekOptions::kLabelBytesMax)));
  }
  if (label.empty() && decoded->empty()) {
    return fail(invalid_argument("key_label is missing"));
  }
  out.key_label = label;
  out.key_id = *std::move(decoded);
  return {};
}

// "7" of "kek-v7"; 0 for what is not a number as we write them.
KekVersion number_in(std::string_view digits) {
  KekVersion version = 0;
  const char* const last = digits.data() + digits.size();
  const auto [end, status] = std::from_chars(digits.data(), last, version);
  const bool whole = status == std::errc{} && end == last;
  return whole && !digits.starts_with('0') ? version : 0;
}

}  // namespace

Pkcs11KeyName Pkcs11KekOptions::name_of(KekVersion version) const {
  const std::size_t at = key_label.find(kPlaceholder);
  if (at != std::string::npos) {
    std::string label = key_label;
    label.replace(at, kPlaceholder.size(), std::to_string(version));
    return {std::move(label), version == 1 ? key_id : Bytes()};
  }
  if (version == 1) return {key_label, key_id};
  if (key_label.empty() || version == 0) return {};
  return {fmt::format("{}-v{}", key_label, version), {}};
}

KekVersion Pkcs11KekOptions::version_of(std::string_view label) const {
  std::string_view before = key_label;
  std::string_view after;
  const std::size_t at = before.find(kPlaceholder);
  if (at != std::string::npos) {
    after = before.substr(at + kPlaceholder.size());
    before = before.substr(0, at);
  } else if (label == key_label) {
    return 1;
  }
  if (!label.starts_with(before)) return 0;
  label.remove_prefix(before.size());
  if (at != std::string::npos) {
    if (!label.ends_with(after)) return 0;
    label.remove_suffix(after.size());
    return number_in(label);
  }
  if (!label.starts_with("-v")) return 0;
  const KekVersion version = number_in(label.substr(2));
  return version > 1 ? version : 0;
}

Result<Pkcs11Place> Pkcs11KekOptions::read_place(const Options& options) {
  Pkcs11Place place;
  TRY_ASSIGN(const std::string_view lib, text_of(options, kLib));
  TRY_ASSIGN(place.slot, number_of<CK_SLOT_ID>(options, kSlot));
  TRY_ASSIGN(const std::string_view label, text_of(options, kTokenLabel));
  if (lib.empty()) {
    return fail(invalid_argument(
        "lib is missing: the path of the HSM vendor's PKCS#11 module"));
  }
  if (!place.slot && label.empty()) {
    return fail(invalid_argument("token_label or slot is missing"));
  }
  place.module = lib;
  place.token_label = label;
  return place;
}

Result<Pkcs11KekOptions> Pkcs11KekOptions::read(const Options& options) {
  TRY(check_known(options));
  Pkcs11KekOptions read;
  TRY_ASSIGN(read.token, token_of(options));
  TRY(read_key_name(options, read));
  TRY_ASSIGN(read.mechanism, mechanism_of(options));
  TRY_ASSIGN(read.oaep_hash, hash_of(options));
  TRY_ASSIGN(read.device_iv, flag_of(options, kDeviceIv));
  TRY_ASSIGN(read.generate_key, flag_of(options, kGenerate));
  return read;
}

}  // namespace bulla::kek
