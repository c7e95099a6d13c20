#pragma once

#include <string_view>
#include <vector>

#include "api/backend.h"
#include "server/core.h"

namespace bulla::server {

/// Everything under sys/. Each file of this folder adds the routes of one
/// group of endpoints; all of them are listed in sys_backend.cc.
class SysBackend final : public api::Backend {
 public:
  explicit SysBackend(Core& core);
  std::string_view type() const override { return "system"; }
  const std::vector<api::Route>& routes() const override { return routes_; }
  std::string_view help() const override;

 private:
  std::vector<api::Route> routes_;
};

using Routes = std::vector<api::Route>;

// One function a file; the core outlives the routes.
void add_init_routes(Core& core, Routes& routes);      // init.cc
void add_seal_routes(Core& core, Routes& routes);      // seal.cc: seal, unseal,
                                                       // seal-status, leader
void add_health_routes(Core& core, Routes& routes);    // health.cc
void add_snapshot_routes(Core& core, Routes& routes);  // snapshot.cc
void add_rotate_routes(Core& core, Routes& routes);    // rotate.cc: rotate,
                                                       // key-status
void add_passkey_routes(Core& core, Routes& routes);   // passkeys.cc
void add_kek_routes(Core& core, Routes& routes);       // kek.cc
void add_rotate_config_routes(Core& core, Routes& routes);
void add_rotate_root_routes(Core& core, Routes& routes);
void add_rekey_routes(Core& core, Routes& routes);
void add_rekey_backup_routes(Core& core, Routes& routes);
void add_generate_root_routes(Core& core, Routes& routes);
void add_decode_token_routes(Core& core, Routes& routes);
void add_encryption_key_routes(Core& core, Routes& routes);
void add_encryption_key_usage_routes(Core& core, Routes& routes);
void add_reencrypt_routes(Core& core, Routes& routes);
void add_record_check_routes(Core& core, Routes& routes);
void add_job_routes(Core& core, Routes& routes);
void add_managed_key_routes(Core& core, Routes& routes);   // managed_keys.cc
void add_mount_routes(Core& core, Routes& routes);         // mounts.cc, tune.cc
void add_auth_mount_routes(Core& core, Routes& routes);    // auth_mounts.cc
void add_remount_routes(Core& core, Routes& routes);       // remount.cc
void add_policy_routes(Core& core, Routes& routes);        // policies.cc
void add_capability_routes(Core& core, Routes& routes);    // capabilities.cc
void add_audit_routes(Core& core, Routes& routes);         // audit.cc
void add_audit_header_routes(Core& core, Routes& routes);  // audit_headers.cc
void add_wrapping_routes(Core& core, Routes& routes);      // wrapping.cc
void add_locked_user_routes(Core& core, Routes& routes);   // locked_users.cc
void add_quota_routes(Core& core, Routes& routes);         // quotas.cc
void add_tools_routes(Core& core, Routes& routes);         // tools.cc
void add_metrics_routes(Core& core, Routes& routes);   // metrics_endpoint.cc
void add_internal_routes(Core& core, Routes& routes);  // internal.cc: ui, specs
void add_misc_routes(Core& core, Routes& routes);      // misc.cc: host-info,
                                                   // config/state, ha-status

}  // namespace bulla::server
