# /etc/bulla/bulla.hcl: a start. docs/configuration.md has every key.
storage "lmdb" {
  path = "/var/lib/bulla/store"
}

listener "tcp" {
  address       = "127.0.0.1:8200"
  tls_cert_file = "/etc/bulla/tls.pem"
  tls_key_file  = "/etc/bulla/tls.key"
}

api_addr = "https://127.0.0.1:8200"
