#include "server/snapshot_tool.h"

#include "base/clock.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/json_writer.h"
#include "base/log.h"
#include "base/time_format.h"
#include "crypto/rng.h"
#include "server/sys/share_text.h"

namespace bulla::server {
namespace {

void write_passkey(JsonWriter& out, const snapshot::PasskeyInfo& passkey) {
  out.begin_object();
  out.member("created", format_rfc3339_nano(passkey.created));
  out.member("kek_version", passkey.kek_version);
  out.member("key_id", passkey.key_id);
  out.member("kind", passkey.kind);
  out.member("last_verified", format_rfc3339_nano(passkey.verified));
  out.member("name", passkey.name);
  out.member("provider", passkey.provider);
  out.member("shares", passkey.shares);
  out.member("threshold", passkey.threshold);
  out.end_object();
}

// The members of an object that is open.
void write_checked(JsonWriter& out, const snapshot::Checked& checked) {
  const auto& header = checked.header;
  out.member("installation", header.installation);
  out.member("taken", format_rfc3339_nano(header.taken));
  out.member("version", header.server_version);
  out.member("storage", header.storage);
  out.member("bytes", checked.summary.bytes);
  out.member("entries", checked.summary.entries);
  out.member("sha256", hex_encode(checked.summary.sha256));
  out.key("passkeys").begin_array();
  for (const auto& passkey : header.passkeys) write_passkey(out, passkey);
  out.end_array();
}

}  // namespace

Result<std::string> inspect_snapshot(const std::string& path) {
  TRY_ASSIGN(const auto file, File::open(path));
  TRY_ASSIGN(const auto checked, snapshot::check(snapshot::source_of(file)));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  write_checked(out, checked);
  out.end_object();
  return json;
}

Result<std::string> verify_snapshot(
    const std::string& path, snapshot::Key key,
    std::vector<std::unique_ptr<kek::KekProvider>> providers) {
  TRY_ASSIGN(const auto file, File::open(path));
  for (SecretBytes& share : key.shares) {
    TRY_ASSIGN(share, decode_share(as_text(share.expose())));
  }
  crypto::SystemRng rng;
  const SystemClock clock;
  // Errors are for who asked; nobody reads a log.
  const Logger log(clock, LogLevel::kError, LogFormat::kStandard);
  TRY_ASSIGN(const auto verified,
             snapshot::verify(file, std::move(key), std::move(providers),
                              {rng, clock, log}));
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  write_checked(out, verified.checked);
  out.key("opened_with");
  write_passkey(out, verified.passkey);
  out.member("opened_entries", verified.opened);
  out.member("clear_entries", verified.clear);
  out.end_object();
  return json;
}

}  // namespace bulla::server
