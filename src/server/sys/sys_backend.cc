#include "server/sys/sys_backend.h"

#include "server/sys/password_policies.h"

namespace bulla::server {

SysBackend::SysBackend(Core& core) {
  add_init_routes(core, routes_);
  add_seal_routes(core, routes_);
  add_health_routes(core, routes_);
  add_rotate_routes(core, routes_);
  add_rotate_config_routes(core, routes_);
  add_rotate_root_routes(core, routes_);
  add_rekey_routes(core, routes_);
  add_rekey_backup_routes(core, routes_);
  add_generate_root_routes(core, routes_);
  add_decode_token_routes(core, routes_);
  add_passkey_routes(core, routes_);
  add_kek_routes(core, routes_);
  add_snapshot_routes(core, routes_);
  add_encryption_key_routes(core, routes_);
  add_reencrypt_routes(core, routes_);
  add_record_check_routes(core, routes_);
  add_job_routes(core, routes_);
  add_managed_key_routes(core, routes_);
  add_mount_routes(core, routes_);
  add_auth_mount_routes(core, routes_);
  add_remount_routes(core, routes_);
  add_policy_routes(core, routes_);
  add_capability_routes(core, routes_);
  add_audit_routes(core, routes_);
  add_audit_header_routes(core, routes_);
  add_wrapping_routes(core, routes_);
  add_locked_user_routes(core, routes_);
  add_password_policy_routes(core, routes_);
  add_quota_routes(core, routes_);
  add_tools_routes(core, routes_);
  add_metrics_routes(core, routes_);
  add_internal_routes(core, routes_);
  add_misc_routes(core, routes_);
}

std::string_view SysBackend::help() const {
  return "The system backend is always mounted at sys/. It initialises, seals "
         "and unseals the server, mounts secrets engines and auth methods, and "
         "manages policies, audit devices and the keyring.";
}

}  // namespace bulla::server
