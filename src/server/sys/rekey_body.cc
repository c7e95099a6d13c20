#include "server/sys/rekey_body.h"

#include "base/json_writer.h"
#include "server/sys/share_text.h"

namespace bulla::server {
namespace {

void write_fingerprints(JsonWriter& out,
                        const std::vector<std::string>& fingerprints) {
  out.key("pgp_fingerprints");
  if (fingerprints.empty()) {
    out.null();
  } else {
    out.strings(fingerprints);
  }
}

}  // namespace

std::string rekey_status_json(const seal::RekeyStatus& status) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("nonce", status.nonce);
  out.member("started", status.started);
  out.member("t", status.threshold);
  out.member("n", status.shares);
  out.member("progress", static_cast<std::uint64_t>(status.progress));
  out.member("required", status.required);
  write_fingerprints(out, status.fingerprints);
  out.member("backup", status.backup);
  out.member("verification_required", status.verification_required);
  if (status.verify_all) out.member("verify_all", true);
  if (!status.verification_nonce.empty()) {
    out.member("verification_nonce", status.verification_nonce);
  }
  out.end_object();
  return json;
}

std::string rekey_result_json(const seal::RekeyResult& result) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("nonce", result.nonce);
  out.member("complete", true);
  write_shares(out, "keys", result.shares);
  write_fingerprints(out, result.fingerprints);
  out.member("backup", result.backup);
  out.member("verification_required", result.verification_required);
  if (result.verify_all) out.member("verify_all", true);
  if (!result.verification_nonce.empty()) {
    out.member("verification_nonce", result.verification_nonce);
  }
  out.end_object();
  return json;
}

std::string verify_status_json(const seal::VerifyStatus& status) {
  std::string json;
  JsonWriter out(json);
  out.begin_object();
  out.member("nonce", status.nonce);
  if (status.complete) {
    out.member("complete", true).end_object();
    return json;
  }
  out.member("started", status.started);
  out.member("t", status.threshold);
  out.member("n", status.shares);
  out.member("progress", static_cast<std::uint64_t>(status.progress));
  out.end_object();
  return json;
}

}  // namespace bulla::server
