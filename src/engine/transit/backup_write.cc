// The JSON of a backup, members in the order of the reference's structs.

#include <fmt/format.h>

#include <string>
#include <utility>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "base/time_format.h"
#include "crypto/decimal.h"
#include "engine/transit/backup_text.h"
#include "engine/transit/derivation.h"

namespace bulla::engine::transit {
namespace {

constexpr std::string_view kZeroTime = "0001-01-01T00:00:00Z";

// One entry of "keys"; an absent version is a placeholder of nulls.
class EntryWriter {
 public:
  EntryWriter(JsonWriter& out, const Key& key, const KeyVersion* version)
      : out_(out), key_(key), version_(version) {}

  void write() {
    out_.begin_object();
    write_key();
    bytes("hmac_key", version_ == nullptr ? ByteView{} : own_hmac_key());
    out_.member("time", version_ == nullptr
                            ? std::string(kZeroTime)
                            : format_rfc3339_nano(version_->created()));
    write_ec();
    write_rsa();
    out_.member("public_key", public_key());
    out_.member("convergent_version",
                version_ == nullptr ? 0U : version_->convergent_version());
    out_.member("creation_time",
                version_ == nullptr ? 0 : unix_seconds(version_->created()));
    write_certificates();
    out_.member("external_key_ref", "").end_object();
  }

 private:
  void bytes(std::string_view name, ByteView value) {
    out_.key(name);
    if (value.empty()) {
      out_.null();
      return;
    }
    out_.base64(value);
  }
  void number(std::string_view name, ByteView big_endian) {
    const SecretBytes digits = crypto::to_decimal_secret(big_endian);
    out_.key(name).raw(as_text(digits.expose()));
  }
  // Keys of type hmac keep theirs in `key` alone.
  ByteView own_hmac_key() const {
    return key_.type().has_hmac_key() ? version_->hmac_key() : ByteView{};
  }
  bool is(crypto::AsymmetricAlgorithm algorithm) const {
    return version_ != nullptr && key_.type().key_pair() &&
           key_.type().algorithm == algorithm;
  }
  bool is_ec() const {
    return version_ != nullptr && key_.type().key_pair() &&
           !is(crypto::AsymmetricAlgorithm::kRsa) &&
           !is(crypto::AsymmetricAlgorithm::kEd25519);
  }

  void write_key() {
    if (version_ == nullptr) return bytes("key", {});
    if (!is(crypto::AsymmetricAlgorithm::kEd25519)) {
      return bytes("key", version_->secret_key());
    }
    const crypto::PrivateKey* pair = version_->private_key();
    if (pair == nullptr) return bytes("key", {});
    bytes("key", ed25519_bytes(*pair).expose());
  }

  void write_ec() {
    if (!is_ec()) {
      out_.key("ec_x").null().key("ec_y").null().key("ec_d").null();
      return;
    }
    const crypto::PrivateKey* pair = version_->private_key();
    const crypto::EcNumbers numbers =
        pair != nullptr ? pair->ec_numbers()
                        : version_->public_key()->ec_numbers();
    number("ec_x", numbers.x);
    number("ec_y", numbers.y);
    if (pair == nullptr) {
      out_.key("ec_d").null();
      return;
    }
    number("ec_d", numbers.d.expose());
  }

  void write_rsa() {
    const bool rsa = is(crypto::AsymmetricAlgorithm::kRsa);
    const crypto::PrivateKey* pair = rsa ? version_->private_key() : nullptr;
    out_.key("rsa_key");
    if (pair == nullptr) {
      out_.null();
    } else {
      write_rsa_numbers(pair->rsa_numbers(), true);
    }
    out_.key("rsa_public_key");
    if (!rsa || pair != nullptr) {
      out_.null();
      return;
    }
    write_rsa_numbers(version_->public_key()->rsa_numbers(), false);
  }

  // Readers compute what is precomputed anew.
  void write_rsa_numbers(const crypto::RsaNumbers& numbers, bool secret) {
    out_.begin_object();
    number("N", numbers.n);
    number("E", numbers.e);
    if (secret) {
      number("D", numbers.d.expose());
      const SecretBytes p = crypto::to_decimal_secret(numbers.p.expose());
      const SecretBytes q = crypto::to_decimal_secret(numbers.q.expose());
      out_.key("Primes")
          .begin_array()
          .raw(as_text(p.expose()))
          .raw(as_text(q.expose()))
          .end_array();
      out_.key("Precomputed")
          .raw(R"({"Dp":null,"Dq":null,"Qinv":null,"CRTValues":null})");
    }
    out_.end_object();
  }

  std::string public_key() const {
    if (is(crypto::AsymmetricAlgorithm::kEd25519)) {
      return base64_encode(version_->public_key()->ed25519_raw());
    }
    return is_ec() ? version_->public_key()->spki_pem() : std::string();
  }

  void write_certificates() {
    out_.key("certificate_chain");
    if (version_ == nullptr || version_->certificates().empty()) {
      out_.null();
      return;
    }
    out_.begin_array();
    for (const Bytes& der : version_->certificates()) out_.base64(der);
    out_.end_array();
  }

  JsonWriter& out_;
  const Key& key_;
  const KeyVersion* version_;
};

void write_stamp(JsonWriter& out, std::string_view name,
                 const std::optional<KeyStamp>& stamp) {
  out.key(name);
  if (!stamp) {
    out.null();
    return;
  }
  out.begin_object()
      .member("time", format_rfc3339_nano(stamp->time))
      .member("version", stamp->version)
      .end_object();
}

void write_policy_tail(JsonWriter& out, const KeyRecord& r) {
  constexpr int kEachVersionSays = -1;
  out.member("derived", r.derived)
      .member("kdf", static_cast<int>(r.kdf))
      .member("convergent_encryption", r.convergent)
      .member("exportable", r.exportable)
      .member("min_decryption_version", r.min_decryption_version)
      .member("min_encryption_version", r.min_encryption_version)
      .member("latest_version", r.latest_version)
      .member("archive_version", r.latest_version)
      .member("archive_min_version", r.min_available_version)
      .member("min_available_version", r.min_available_version)
      .member("deletion_allowed", r.deletion_allowed)
      .member("convergent_version", r.convergent ? kEachVersionSays : 0)
      .member("type", static_cast<std::uint32_t>(r.type));
  write_stamp(out, "backup_info", r.backup_info);
  write_stamp(out, "restore_info", r.restore_info);
  out.member("allow_plaintext_backup", r.allow_plaintext_backup)
      .member("version_template", "")
      .member("storage_prefix", "")
      .member("auto_rotate_period",
              std::chrono::nanoseconds(r.auto_rotate_period).count())
      .member("Imported", r.imported)
      .member("AllowImportedKeyRotation", r.allow_imported_rotation)
      .member("soft_deleted", r.soft_deleted);
  // Ours; readers elsewhere pass over it.
  if (r.max_operations != 0) out.member("max_operations", r.max_operations);
}

// Runs `visit` over the versions from `first` on.
Result<void> each(const KeyStore& store, const Key& key, std::uint32_t first,
                  const std::function<void(const KeyVersion&)>& visit) {
  return store.visit_versions(key, first, key.record().latest_version,
                              [&](const KeyVersion& version) -> Result<void> {
                                visit(version);
                                return {};
                              });
}

Result<void> write_all(std::string& text, const KeyStore& store,
                       const Key& key) {
  const KeyRecord& record = key.record();
  JsonWriter out(text);
  out.begin_object().key("policy").begin_object();
  out.member("name", record.name);
  if (record.key_size != 0) out.member("key_size", record.key_size);
  out.key("keys").begin_object();
  TRY(each(store, key, record.min_decryption_version,
           [&](const KeyVersion& version) {
             out.key(fmt::format_int(version.number()).str());
             EntryWriter(out, key, &version).write();
           }));
  out.end_object();
  write_policy_tail(out, record);
  out.end_object().key("archived_keys").begin_object();
  out.key("keys").begin_array();
  // The index is the version less min_available_version.
  if (record.min_available_version == 0) {
    EntryWriter(out, key, nullptr).write();
  }
  TRY(each(store, key, std::max(1U, record.min_available_version),
           [&](const KeyVersion& version) {
             EntryWriter(out, key, &version).write();
           }));
  out.end_array().end_object().end_object();
  text += '\n';
  return {};
}

}  // namespace

Result<SecretBytes> write_backup(const KeyStore& store, const Key& key) {
  std::string text;
  const auto written = write_all(text, store, key);
  SecretBytes secret = SecretBytes::copy_of(as_bytes(text));
  wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  if (!written) return fail(written.error());
  return secret;
}

}  // namespace bulla::engine::transit
