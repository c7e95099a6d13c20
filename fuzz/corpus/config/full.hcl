ui = true
cluster_name = "vault-1"
api_addr = "https://vault.example:8200"
disable_mlock = "1"
log_level = "debug"
default_lease_ttl = "24h"
max_lease_ttl = 172800
storage "lmdb" {
  path = "/var/lib/bulla"
  map_size = 268435456
}
listener "tcp" {
  address = "0.0.0.0:8200"
  tls_cert_file = "/etc/cert.pem"
  tls_key_file = "/etc/key.pem"
  max_request_size = "1024"
  telemetry { unauthenticated_metrics_access = true }
}
seal "static" {
  name = "first"
  priority = 1
  current_key_id = "k1"
  current_key = "env://KEY"
}
telemetry {
  prometheus_retention_time = "30s"
  disable_hostname = true
}
