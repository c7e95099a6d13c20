path "a/+/b*" { capabilities = ["read"] }
path "a/x" { policy = "deny" }
path "*" { policy = "write" }
