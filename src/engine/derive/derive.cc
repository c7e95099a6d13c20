#include "engine/derive/derive.h"

#include <fmt/format.h>

#include <string>

#include "base/json_writer.h"
#include "base/wire.h"
#include "crypto/kdf.h"

namespace bulla::engine::derive {
namespace {

using api::Context;
using api::Request;
using api::Response;

constexpr std::string_view kSecretPath = "secret";
constexpr std::uint8_t kFormat = 1;
constexpr std::size_t kPurposeBytesMax = 128;
constexpr std::size_t kNameBytesMax = 512;
constexpr std::string_view kLabel{"bulla derive 1\0", 15};

Result<void> check_length(std::string_view what, std::string_view text,
                          std::size_t most) {
  if (!text.empty() && text.size() <= most) return {};
  return fail(invalid_argument(
      fmt::format("the {} has to be 1 to {} bytes long", what, most)));
}

}  // namespace

SecretBytes DerivationSecret::serialise() const {
  WireWriter out;
  out.u8(kFormat).bytes(bytes.expose());
  return std::move(out).finish();
}

Result<DerivationSecret> DerivationSecret::parse(ByteView bytes) {
  WireReader in(bytes);
  const bool known = in.u8() == kFormat;
  const ByteView secret = in.bytes();
  TRY(in.finish("derivation secret"));
  if (known && secret.size() == kBytes) {
    return DerivationSecret{SecretBytes::copy_of(secret)};
  }
  return fail(corrupt("derivation secret: impossible values"));
}

SecretBytes derive_key(const SecretBytes& secret, std::string_view purpose,
                       std::string_view name) {
  std::string info(kLabel);
  for (const std::string_view part : {purpose, name}) {
    std::uint8_t size[4];
    put_be32(size, static_cast<std::uint32_t>(part.size()));
    info.append(as_text(size)).append(part);
  }
  return crypto::hkdf_sha256(secret.expose(), {}, as_bytes(info),
                             DeriveBackend::kKeyBytes);
}

DeriveBackend::DeriveBackend(const api::BackendContext& context)
    : storage_(context.storage), rng_(context.rng) {
  routes_.push_back(
      {.pattern = "key/:purpose/:name~",
       .fields = {{.name = "purpose",
                   .description = "What the key is for: policy, namespace, or "
                                  "any other word."},
                  {.name = "name",
                   .description = "Of the policy, the namespace, …: any text "
                                  "without a slash."}},
       .methods = {{.operation = api::Operation::kRead,
                    .cost = api::Cost::kInline,
                    .handler =
                        [this](const Request& request, Context& around) {
                          return read(request, around);
                        },
                    .summary = "Derives a key; it is the same each time."}},
       .synopsis = "Keys that are derived on demand, and never stored.",
       .description = "256 bits for that purpose and name. Whoever may read "
                      "the path may have the key: give policies just the paths "
                      "that they need."});
  // Made when the mount is; where that fails, when it is first needed.
  if (auto made = secret(true); !made) {
    context.log.warn(
        "the derivation secret is not there yet",
        {{"mount", context.config.path}, {"error", made.error().message()}});
  }
}

std::string_view DeriveBackend::help() const {
  return "The derive engine gives keys that hang on a purpose and a name alone "
         "and are stored nowhere. They stay the same across rotation of "
         "passkeys and KEKs, rekey, keyring rotation and restore.";
}

Result<std::shared_ptr<const SecretBytes>> DeriveBackend::secret(
    bool may_block) {
  if (auto known = secret_.load()) return known;
  if (!may_block) return fail(would_block());
  const std::lock_guard lock(mutex_);
  if (auto known = secret_.load()) return known;
  TRY_ASSIGN(const auto entry, storage_.get(kSecretPath));
  DerivationSecret secret;
  if (entry) {
    TRY_ASSIGN(secret, DerivationSecret::parse(entry->value.expose()));
  } else {
    secret.bytes = rng_.secret(DerivationSecret::kBytes);
    const SecretBytes record = secret.serialise();
    const auto change =
        barrier::Change::put(std::string(kSecretPath), record.expose())
            .expecting(storage::Change::kAbsent);
    // On an unknown outcome nobody was given a key yet: it is read next time.
    TRY(storage_.commit({&change, 1}));
  }
  auto shared = std::make_shared<const SecretBytes>(std::move(secret.bytes));
  secret_.publish(shared);
  return shared;
}

Result<Response> DeriveBackend::read(const Request& request,
                                     const Context& context) {
  const std::string_view purpose = request.param("purpose");
  const std::string_view name = request.param("name");
  TRY(check_length("purpose", purpose, kPurposeBytesMax));
  TRY(check_length("name", name, kNameBytesMax));
  TRY_ASSIGN(const auto from, secret(context.may_block));
  const SecretBytes key = derive_key(*from, purpose, name);
  std::string json;
  JsonWriter out(json);
  out.begin_object().member("algorithm", "HKDF-SHA256");
  out.key("key").base64(key.expose());
  out.member("name", name).member("purpose", purpose).end_object();
  return Response::with_data(std::move(json));
}

}  // namespace bulla::engine::derive
