storage "lmdb" { path = "/var/lib/x" }
listener "tcp" {
  address = "127.0.0.1:8200" # comment
  tls_disable = true
}
/* c */ n = 0x1F f = -1.5e3 l = [1, "x", {a = 1},]
