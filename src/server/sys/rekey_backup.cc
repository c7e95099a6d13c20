// sys/rekey/backup and its kin: encrypted shares, kept for their holders.

#include <map>

#include "base/encoding.h"
#include "base/json_writer.h"
#include "seal/share_backup.h"
#include "server/sys/handlers.h"
#include "server/sys/sys_backend.h"

namespace bulla::server {
namespace {

using seal::RekeyTarget;
using seal::ShareBackup;

constexpr std::string_view path_of(RekeyTarget target) {
  return target == RekeyTarget::kRoot ? ShareBackup::kUnsealPath
                                      : ShareBackup::kRecoveryPath;
}

using Messages = std::map<std::string, std::vector<const Bytes*>>;

template <typename Encode>
void write_messages(JsonWriter& out, std::string_view name,
                    const Messages& messages, Encode encode) {
  out.key(name).begin_object();
  for (const auto& [fingerprint, list] : messages) {
    out.key(fingerprint).begin_array();
    for (const Bytes* message : list) out.plain(encode(*message));
    out.end_array();
  }
  out.end_object();
}

template <RekeyTarget kTarget>
Result<api::Response> read_backup(Core& core, const api::Request&,
                                  api::Context&) {
  TRY_ASSIGN(const auto backup, core.custody().share_backup(path_of(kTarget)));
  if (!backup) return fail(invalid_argument("no backed-up keys found"));
  Messages messages;
  for (const auto& share : backup->shares) {
    messages[share.fingerprint].push_back(&share.message);
  }
  std::string data;
  JsonWriter out(data);
  out.begin_object();
  write_messages(out, "keys", messages,
                 [](const Bytes& bytes) { return hex_encode(bytes); });
  write_messages(out, "keys_base64", messages,
                 [](const Bytes& bytes) { return base64_encode(bytes); });
  out.member("nonce", backup->nonce).end_object();
  return duplicated(std::move(data));
}

template <RekeyTarget kTarget>
Result<api::Response> delete_backup(Core& core, const api::Request&,
                                    api::Context&) {
  TRY(core.custody().delete_share_backup(path_of(kTarget)));
  return api::Response::none();
}

template <RekeyTarget kTarget>
void add_row(Core& core, Routes& routes, std::string_view pattern) {
  using api::Operation;
  routes.push_back(
      {.pattern = pattern,
       .fields = {},
       .methods = {method(core, Operation::kRead, read_backup<kTarget>,
                          "Shows the kept shares."),
                   method(core, Operation::kDelete, delete_backup<kTarget>,
                          "Deletes the kept shares.")},
       .synopsis = "Shares of the last rekey, encrypted to their holders."});
}

}  // namespace

void add_rekey_backup_routes(Core& core, Routes& routes) {
  add_row<RekeyTarget::kRoot>(core, routes, "rekey/backup");
  add_row<RekeyTarget::kRecovery>(core, routes, "rekey/recovery-key-backup");
  add_row<RekeyTarget::kRoot>(core, routes, "rotate/root/backup");
  add_row<RekeyTarget::kRecovery>(core, routes, "rotate/recovery/backup");
}

}  // namespace bulla::server
